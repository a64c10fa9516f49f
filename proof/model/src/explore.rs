use crate::moves::Move;
use crate::scenario::Scenario;
use crate::world::World;
use stateright::{Checker, HasDiscoveries, Model, Property};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What an exploration found.
#[derive(Debug)]
pub struct Explored {
    /// Different worlds.
    pub states: usize,
    /// Moves between them.
    pub moves: usize,
    /// How long it took.
    pub took: Duration,
    /// What went wrong, and the moves that lead there.
    pub wrong: Option<(String, Vec<Move>)>,
}

/// Visits every world of a scenario, and stops at the first in which something wrong has happened. When there
/// is none, asks of each whether agreement can still be reached.
pub fn explore(scenario: Scenario, threads: usize) -> Explored {
    let started = Instant::now();
    let graph = Arc::new(Graph::default());
    let explorer = Explorer { scenario, graph: graph.clone() };
    let checker = explorer.checker().threads(threads).finish_when(HasDiscoveries::Any).spawn_bfs().join();
    let states = checker.unique_state_count();
    let discovery = checker.discoveries().into_iter().next();
    let mut wrong = discovery.map(|(name, path)| (name.to_owned(), path.into_actions()));
    let edges = graph.take();
    let moves = edges.len();
    if wrong.is_none() {
        wrong = stranded(&scenario, &edges).map(|path| ("agreement can still be reached".to_owned(), path));
    }
    Explored { states, moves, took: started.elapsed(), wrong }
}

/// The scenario as the checker sees it.
struct Explorer {
    scenario: Scenario,
    graph: Arc<Graph>,
}

impl Model for Explorer {
    type State = World;
    type Action = Move;

    fn init_states(&self) -> Vec<World> {
        vec![World::at_opening(&self.scenario)]
    }

    fn actions(&self, world: &World, moves: &mut Vec<Move>) {
        world.moves(&self.scenario, moves);
    }

    fn next_state(&self, world: &World, the_move: Move) -> Option<World> {
        let after = world.after(&self.scenario, the_move);
        self.graph.note(world, &after);
        Some(after)
    }

    #[rustfmt::skip]
    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("posted at most once", |_, w: &World| w.posts_at_most_once()),
            Property::always("reversed at most what was posted", |_, w: &World| w.reverses_at_most_what_it_posted()),
            Property::always("asked at most once", |_, w: &World| w.asks_at_most_once()),
            Property::always("one decision, and a journal that folds", |_, w: &World| w.journal_is_readable()),
            Property::always("what is done is not reversed", |m: &Self, w: &World| {
                w.leaves_alone_what_is_done(m.scenario.plot)
            }),
            Property::always("approved means posted", |m: &Self, w: &World| {
                w.says_yes_only_to_what_is_posted(m.scenario.plot)
            }),
        ]
    }
}

/// One move, by the digests of its ends; whether its end is in agreement.
type Edge = (u64, u64, bool);

/// The moves between worlds, noted while they are explored. In parts, so that threads seldom meet.
#[derive(Default)]
struct Graph {
    parts: [Mutex<Vec<Edge>>; 16],
}

impl Graph {
    fn note(&self, before: &World, after: &World) {
        let part = &self.parts[(before.digest() % 16) as usize];
        let edge = (before.digest(), after.digest(), after.is_consistent());
        part.lock().unwrap_or_else(PoisonError::into_inner).push(edge);
    }

    fn take(&self) -> Vec<Edge> {
        let take = |part: &Mutex<Vec<Edge>>| {
            core::mem::take(&mut *part.lock().unwrap_or_else(PoisonError::into_inner))
        };
        self.parts.iter().flat_map(take).collect()
    }
}

/// A shortest way to a world from which agreement cannot be reached any more, if there is one: backwards from
/// every world in agreement, what is not met is lost.
fn stranded(scenario: &Scenario, edges: &[Edge]) -> Option<Vec<Move>> {
    let first = World::at_opening(scenario);
    let numbers = numbered(first.digest(), edges);
    let mut into: Vec<Vec<u32>> = vec![Vec::new(); numbers.len()];
    let mut is_saved = vec![false; numbers.len()];
    let mut to_visit = Vec::new();
    for (before, after, agrees) in edges {
        let (before, after) = (numbers[before], numbers[after]);
        into[after as usize].push(before);
        if *agrees && !is_saved[after as usize] {
            is_saved[after as usize] = true;
            to_visit.push(after);
        }
    }
    while let Some(at) = to_visit.pop() {
        for &before in &into[at as usize] {
            if !is_saved[before as usize] {
                is_saved[before as usize] = true;
                to_visit.push(before);
            }
        }
    }
    let lost = |world: &World| !is_saved[numbers[&world.digest()] as usize];
    is_saved.contains(&false).then(|| shortest_way(scenario, first, lost)).flatten()
}

fn numbered(first: u64, edges: &[Edge]) -> HashMap<u64, u32> {
    let mut numbers = HashMap::with_capacity(edges.len() / 4);
    numbers.insert(first, 0);
    for (before, after, _) in edges {
        for digest in [before, after] {
            let next = numbers.len() as u32;
            numbers.entry(*digest).or_insert(next);
        }
    }
    numbers
}

/// The moves to the nearest world of that sort.
fn shortest_way(scenario: &Scenario, first: World, sought: impl Fn(&World) -> bool) -> Option<Vec<Move>> {
    let mut came_from: HashMap<u64, Option<(u64, Move)>> = HashMap::from([(first.digest(), None)]);
    let mut layer = vec![first];
    while !layer.is_empty() {
        if let Some(found) = layer.iter().find(|world| sought(world)) {
            return Some(way_to(found.digest(), &came_from));
        }
        let mut next = Vec::new();
        for world in layer {
            let mut moves = Vec::new();
            world.moves(scenario, &mut moves);
            for the_move in moves {
                let after = world.after(scenario, the_move);
                came_from.entry(after.digest()).or_insert_with(|| {
                    next.push(after);
                    Some((world.digest(), the_move))
                });
            }
        }
        layer = next;
    }
    None
}

fn way_to(mut at: u64, came_from: &HashMap<u64, Option<(u64, Move)>>) -> Vec<Move> {
    let mut way = Vec::new();
    while let Some(Some((before, the_move))) = came_from.get(&at) {
        way.push(*the_move);
        at = *before;
    }
    way.reverse();
    way
}
