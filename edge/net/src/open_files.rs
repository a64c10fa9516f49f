use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the number of files this process may hold open to the most it may ask for, and says how many that is
/// now; `None` where there is no limit. Each connection is one file, and the usual soft limit of 1,024 is there
/// for programs that count files in a fixed array, which nothing here does.
pub fn raise_open_files_max() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    // Refused, it stays as it was; whoever is one connection too many is refused and counted in any case.
    let _ = setrlimit(Resource::Nofile, raised);
    getrlimit(Resource::Nofile).current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        assert_eq!(raise_open_files_max(), getrlimit(Resource::Nofile).maximum);
    }
}
