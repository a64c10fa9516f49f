#!/usr/bin/env bash
# Starting again after a crash, by the old names (2.3.3): `proof/day/recovery.sh`. See stage.sh for what may be set.
source "$(dirname "$0")/stage.sh"

start_centre
echo "2.3.3 After a crash"
start_daemon
within "both pairs stand" status_says "center 4/4"
must 0 fxmsg_cn signon
start_application POS1
exec 8> POS1.words
app POS1 "open: RC_OK" open
app POS1 "pay: RC_OK" pay

step 1 "an unclean stop, with a request in flight"
centre_does silent
app POS1 "send: RC_OK" send
SEQ=${SAID##* }
within "it is in flight" in_flight 1
must 0 fxctrl_cn shutdown force
daemon_ended 0
exec 8>&-
centre_does speak

step 2 "start the daemon"
start_daemon
within "both pairs stand" status_says "center 4/4"
status_says "RECOVERY needed" || fail "it does not know that it has to recover"
start_application POS2
exec 8> POS2.words
app POS2 "open: RC_OK" open
app POS2 "pay: RC_PKG_IS_SIGNOFF_OR_SWITCHING" pay
must 25 fxctrl_cn recovery

step 3 "sign on to the centre"
must 0 fxmsg_cn signon
app POS2 "pay: RC_PKG_IS_SIGNOFF_OR_SWITCHING" pay

step 4 "recovery: what was in flight is cancelled, what is owed is sent again"
must 0 fxctrl_cn recovery
status_says "RECOVERY no" || fail "it still has to recover"
app POS2 "result: RC_NG reversed" result "$SEQ"

step 5 "open sessions between applications and the daemon"
app POS2 "close: RC_OK" close
app POS2 "open: RC_OK" open

step 6 "business"
app POS2 "pay: RC_OK" pay

step 7 "close the applications' sessions"
app POS2 "close: RC_OK" close
exec 8>&-
within "nobody holds a session" status_says "application 0"

step 8 "look at the day's totals"
BEFORE=$(cut_date)
must 0 fxmsg_cn cutreq
within "the centre cuts over" centre_said "cutover: the switch answered approved"
[[ $(cut_date) > $BEFORE ]] || fail "the cut date is $(cut_date), and was $BEFORE"
reconciled_but_for 1

step 9 "sign off"
must 0 fxmsg_cn signoff

step 10 "stop the daemon"
must 0 fxctrl_cn shutdown
daemon_ended 0
start_daemon
status_says "RECOVERY no" || fail "a stop in order left something to recover"
within "both pairs stand" status_says "center 4/4"
must 0 fxctrl_cn shutdown

echo "2.3.3 as the document says"
