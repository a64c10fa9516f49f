use crate::moves::Move;
use crate::scenario::{STRANDED, Scenario};
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
    pub wrong: Option<(&'static str, Vec<Move>)>,
}

impl Explored {
    /// Whether nothing wrong has happened, and there is a world from which agreement cannot be reached.
    pub fn is_stranded(&self) -> bool {
        self.wrong.as_ref().is_some_and(|(what, _)| *what == STRANDED)
    }
}

/// Visits every world of a scenario, and stops at the first in which something wrong has happened. When there
/// is none, asks of each whether agreement can still be reached.
///
/// Depth first: whole worlds wait to be visited only along one way, the others are numbers.
pub fn explore(scenario: Scenario, threads: usize) -> Explored {
    let started = Instant::now();
    let graph = Arc::new(Graph::default());
    let explorer = Explorer { scenario, graph: graph.clone() };
    let checker = explorer.checker().threads(threads).finish_when(HasDiscoveries::Any).spawn_dfs().join();
    let states = checker.unique_state_count();
    let is_safe = checker.discoveries().is_empty();
    drop(checker);
    let parts = graph.take();
    let moves = parts.iter().map(|part| part.edges.len()).sum();
    let first = World::at_opening(&scenario);
    let wrong = match is_safe {
        true => stranded(&scenario, first, parts).map(|(_, way)| (STRANDED, way)),
        false => shortest_way(&scenario, first, |world| what_is_wrong(&scenario, world).is_some())
            .and_then(|(world, way)| Some((what_is_wrong(&scenario, &world)?, way))),
    };
    Explored { states, moves, took: started.elapsed(), wrong }
}

/// What must hold in every world.
type Safety = (&'static str, fn(&Scenario, &World) -> bool);

#[rustfmt::skip]
const SAFETY: [Safety; 6] = [
    ("posted at most once",                |_, w| w.posts_at_most_once()),
    ("reversed at most what was posted",   |_, w| w.reverses_at_most_what_it_posted()),
    ("asked at most once",                 |_, w| w.asks_at_most_once()),
    ("one decision, a journal that folds", |_, w| w.journal_is_readable()),
    ("what is done is not reversed",       |s, w| w.leaves_alone_what_is_done(s.plot)),
    ("approved means posted",              |s, w| w.says_yes_only_to_what_is_posted(s.plot)),
];

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

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("nothing is wrong", |explorer: &Self, world: &World| {
            what_is_wrong(&explorer.scenario, world).is_none()
        })]
    }
}

fn what_is_wrong(scenario: &Scenario, world: &World) -> Option<&'static str> {
    SAFETY.iter().find(|(_, holds)| !holds(scenario, world)).map(|(name, _)| *name)
}

/// One move, by the digests of its ends.
type Edge = (u64, u64);

/// The moves between worlds, noted while they are explored. In parts, so that threads seldom meet.
#[derive(Default)]
struct Graph {
    parts: [Mutex<Noted>; 16],
}

#[derive(Default)]
struct Noted {
    edges: Vec<Edge>,
    /// Worlds in agreement, some of them more than once.
    agreeing: Vec<u64>,
}

impl Graph {
    fn note(&self, before: &World, after: &World) {
        let part = &self.parts[(before.digest() % 16) as usize];
        let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
        part.edges.push((before.digest(), after.digest()));
        if after.is_consistent() {
            part.agreeing.push(after.digest());
        }
    }

    fn take(&self) -> Vec<Noted> {
        let take =
            |part: &Mutex<Noted>| core::mem::take(&mut *part.lock().unwrap_or_else(PoisonError::into_inner));
        self.parts.iter().map(take).collect()
    }
}

/// A shortest way to a world from which agreement cannot be reached any more, if there is one: backwards from
/// every world in agreement, what is not met is lost.
fn stranded(scenario: &Scenario, first: World, parts: Vec<Noted>) -> Option<(World, Vec<Move>)> {
    let numbers = numbered(first.digest(), &parts);
    let (starts, sources) = backwards(&numbers, &parts);
    let mut is_saved = vec![false; numbers.len()];
    let mut to_visit = Vec::new();
    let agreeing = parts.into_iter().flat_map(|part| part.agreeing);
    for at in agreeing.map(|digest| numbers[&digest]) {
        if !core::mem::replace(&mut is_saved[at as usize], true) {
            to_visit.push(at);
        }
    }
    while let Some(at) = to_visit.pop() {
        let from = starts[at as usize] as usize..starts[at as usize + 1] as usize;
        for &before in &sources[from] {
            if !core::mem::replace(&mut is_saved[before as usize], true) {
                to_visit.push(before);
            }
        }
    }
    let lost = |world: &World| !is_saved[numbers[&world.digest()] as usize];
    is_saved.contains(&false).then(|| shortest_way(scenario, first, lost)).flatten()
}

fn numbered(first: u64, parts: &[Noted]) -> HashMap<u64, u32> {
    let mut numbers = HashMap::from([(first, 0)]);
    for (before, after) in parts.iter().flat_map(|part| &part.edges) {
        for digest in [before, after] {
            let next = numbers.len() as u32;
            numbers.entry(*digest).or_insert(next);
        }
    }
    numbers
}

/// Where the moves into each world come from: those of world `n` stand at `starts[n]..starts[n + 1]`.
fn backwards(numbers: &HashMap<u64, u32>, parts: &[Noted]) -> (Vec<u32>, Vec<u32>) {
    let edges = || parts.iter().flat_map(|part| &part.edges);
    let mut starts = vec![0_u32; numbers.len() + 1];
    edges().for_each(|(_, after)| starts[numbers[after] as usize + 1] += 1);
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut next = starts.clone();
    let mut sources = vec![0; edges().count()];
    for (before, after) in edges() {
        let place = &mut next[numbers[after] as usize];
        sources[*place as usize] = numbers[before];
        *place += 1;
    }
    (starts, sources)
}

/// The nearest world of that sort, and the moves to it.
fn shortest_way(
    scenario: &Scenario,
    first: World,
    sought: impl Fn(&World) -> bool,
) -> Option<(World, Vec<Move>)> {
    let mut came_from: HashMap<u64, Option<(u64, Move)>> = HashMap::from([(first.digest(), None)]);
    let mut layer = vec![first];
    while !layer.is_empty() {
        if let Some(at) = layer.iter().position(&sought) {
            let found = layer.swap_remove(at);
            let way = way_to(found.digest(), &came_from);
            return Some((found, way));
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
