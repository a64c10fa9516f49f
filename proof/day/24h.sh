#!/usr/bin/env bash
# Round the clock, by the old names (2.3.2): `proof/day/24h.sh`. See stage.sh for what may be set.
source "$(dirname "$0")/stage.sh"

start_centre
echo "2.3.2 Round the clock"

step 1 "start the daemon"
start_daemon
within "both pairs stand" status_says "center 4/4"

step 2 "sign on to the centre"
must 0 fxmsg_cn signon

step 3 "open sessions between applications and the daemon"
start_application POS1
exec 7> POS1.words
app POS1 "open: RC_OK" open
start_application POS2
exec 8> POS2.words
app POS2 "open: RC_OK" open

step 4 "business"
app POS1 "pay: RC_OK" pay
app POS2 "pay: RC_OK" pay

step 5 "the centre cuts over by its clock; applications are told the new date"
BEFORE=$(cut_date)
centre cutover
within "the centre cuts over" centre_said "cutover: the switch answered approved"
AFTER=$(cut_date)
[[ $AFTER > $BEFORE ]] || fail "the cut date is $AFTER, and was $BEFORE"
told_day POS1 "$AFTER"
app POS1 "day: RC_OK $AFTER" day
app POS1 "pay: RC_OK" pay
# Said once more, it is answered and changes nothing.
centre cutover-again
within "the centre says it again" centre_said "cutover: the switch answered approved" 2
[[ $(cut_date) == "$AFTER" ]] || fail "the cut date moved twice"
reconciled

step 6 "a program is replaced while the other goes on"
app POS2 "close: RC_OK" close
exec 8>&-
app POS1 "pay: RC_OK" pay
start_application POS3
exec 8> POS3.words
app POS3 "open: RC_OK" open
app POS3 "pay: RC_OK" pay
app POS1 "pay: RC_OK" pay
status_says "^STATUS     SIGNON" || fail "not signed on any more"

step 7 "sign off, because it is stopped now"
app POS1 "close: RC_OK" close
app POS3 "close: RC_OK" close
exec 7>&- 8>&-
within "nobody holds a session" status_says "application 0"
must 0 fxmsg_cn signoff

step 8 "stop the daemon, for maintenance"
must 0 fxctrl_cn shutdown
daemon_ended 0

echo "2.3.2 as the document says"
