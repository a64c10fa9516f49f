# Sourced by the scripts beside it: a place to walk the procedures of the operating manual in, by the old names.
#
#   SEKISHO         the program                        target/release/sekisho, target/debug/sekisho, or on the PATH
#   LIBSEKISHO_FX   the library applications load      beside the program
#   FX_CONF         the daemon's configuration         deploy/center.toml
#   CENTER_CONF     the centre's script                deploy/center-sim.toml
#   DAY_FOLDER      where everything is written        a new folder, removed at the end
#
# Each step does one thing and looks whether it came to what the document says. The first that did not ends the walk.

set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export LC_ALL=C
export FX_CONF=${FX_CONF:-$ROOT/deploy/center.toml}
CENTER_CONF=${CENTER_CONF:-$ROOT/deploy/center-sim.toml}
PATIENCE=${PATIENCE:-30}        # seconds that anything is waited for

# The answer to `which one`: the first of these that is there.
first_of() {
    local one
    for one in "$@"; do [[ -n $one && -e $one ]] && { realpath "$one"; return; }; done
    return 1
}

SEKISHO=$(first_of "${SEKISHO:-}" "$ROOT/target/release/sekisho" "$ROOT/target/debug/sekisho" \
                   "$(command -v sekisho || true)") || { echo "no sekisho: cargo build --release"; exit 66; }
LIBSEKISHO_FX=$(first_of "${LIBSEKISHO_FX:-}" "$(dirname "$SEKISHO")/libsekisho_fx.so" \
                         "$(dirname "$SEKISHO")/deps/libsekisho_fx.so") || LIBSEKISHO_FX=
FOLDER=${DAY_FOLDER:-$(mktemp -d)}
cd "$FOLDER"
"$SEKISHO" fx install --dir "$FOLDER/bin" > /dev/null
export PATH=$FOLDER/bin:$PATH

STARTED=()
the_end() {
    local code=$?
    for process in "${STARTED[@]}"; do kill "$process" 2> /dev/null || true; done
    wait 2> /dev/null || true
    if ((code != 0)); then
        echo "NOT as the document says; everything is kept in $FOLDER"
    elif [[ -z ${DAY_FOLDER:-} ]]; then
        cd / && rm -r "$FOLDER"
    fi
}
trap the_end EXIT

fail() { echo "      $*"; exit 1; }

# step NUMBER WORDS: a step of the document.
step() { printf '%4s  %s\n' "$1" "${*:2}"; }

# must CODE COMMAND...: it ends with that code.
must() {
    local wanted=$1 code=0
    shift
    "$@" > said 2>&1 || code=$?
    sed 's/^/        /' said
    ((code == wanted)) || fail "$* ended with $code, not with $wanted"
}

# within WORDS COMMAND...: it comes true in time.
within() {
    local what=$1 deadline=$((SECONDS + PATIENCE))
    shift
    until "$@" > /dev/null 2>&1; do
        ((SECONDS < deadline)) || fail "in $PATIENCE s not: $what"
        sleep 0.05
    done
}

in_flight() { "$SEKISHO" link show cn --json --config "$FX_CONF" | grep -q "\"in_flight\":$1\b"; }
status_says() { fxctrl_cn status | grep -q -- "$1"; }
centre_said() { (($(grep -c -- "$1" centre.log) >= ${2:-1})); }
cut_date() { fxctrl_cn status | sed -n 's/^CUT DATE *\([-0-9]*\).*/\1/p'; }

# The day that ended was compared with the centre, and both sides have the same.
reconciled() {
    local after
    after=$(sed -n 's/^reconcile_after_ms *= *\([0-9]*\).*/\1/p' "$FX_CONF")
    if [[ -z $after ]]; then
        fail "no totals are compared: $FX_CONF has no reconcile_after_ms"
    fi
    PATIENCE=$((PATIENCE + after / 1000)) within "the day is reconciled" status_says "RECONCILED(prev) yes"
    echo "        RECONCILED(prev) yes"
}

out_of_balance() { ! "$SEKISHO" recon status --config "$FX_CONF"; }

# The same, but for what was cancelled without an answer: the centre has booked and taken back what counts for nothing
# here, and each side says so.
reconciled_but_for() {
    PATIENCE=$((PATIENCE + 5)) within "the day is compared" status_says "RECONCILED(prev) no"
    within "a difference is found" out_of_balance
    must 1 "$SEKISHO" recon status --config "$FX_CONF"
    must 0 fxview_cn reconciliation
    grep -q "^$1 not counted, because undone without an answer" said || fail "the difference is another one"
}

# The centre, and words typed to it.
start_centre() {
    mkfifo words
    "$SEKISHO" sim center --config "$CENTER_CONF" < words > centre.log 2>&1 &
    STARTED+=($!)
    exec 9> words
    within "the centre listens" grep -q "listening on" centre.log
}
centre() { echo "$1" >&9; }
# The same, and it has read the word: an echo is asked for behind it.
centre_does() {
    local before
    before=$(grep -c "asked: echo" centre.log || true)
    centre "$1"
    centre echo
    within "the centre reads $1" centre_said "asked: echo" $((before + 1))
}

start_daemon() {
    fxumain_cn >> daemon.log 2>&1 &
    DAEMON=$!
    STARTED+=("$DAEMON")
    within "the daemon answers" fxctrl_cn status
}
# daemon_ended CODE: it ended by itself, so.
daemon_ended() {
    local code=0
    wait "$DAEMON" || code=$?
    ((code == $1)) || fail "the daemon ended with $code, not with $1"
}

# An application of its own, which loads the library: words in, one line out for each.
start_application() {
    if [[ -z $LIBSEKISHO_FX ]] || ! command -v python3 > /dev/null; then
        fail "an application needs python3 and libsekisho_fx.so: cargo build --release -p fxapi"
    fi
    mkfifo "$1.words"
    : > "$1.log"
    FX_APPLICATION=$1 EVENT_RECEIVE_TIMEOUT=$PATIENCE \
        python3 "$ROOT/proof/day/application.py" "$LIBSEKISHO_FX" < "$1.words" > "$1.log" 2>&1 &
    STARTED+=($!)
}

# app NAME LINE WORDS...: types the words to it and waits until its next line begins so. What it said is in $SAID.
app() {
    local who=$1 wanted=$2 before
    before=$(wc -l < "$who.log")
    shift 2
    echo "$*" > "$who.words"
    within "$who answers $*" more_than "$who.log" "$before"
    SAID=$(sed -n "$((before + 1))p" "$who.log")
    echo "        $who: $SAID"
    [[ $SAID == "$wanted"* ]] || fail "$who said $SAID, not $wanted"
}
# told_day NAME DATE: it is told that this is the day now, after whatever else it is told.
told_day() {
    local left=10
    until app "$1" "event: RC_OK cutover.completed" event cutover.completed && [[ $SAID == *" ${2//-/}" ]]; do
        ((left-- > 0)) || fail "$1 was never told $2"
    done
}
more_than() { (($(wc -l < "$1") > $2)); }
