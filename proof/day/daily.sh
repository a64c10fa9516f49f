#!/usr/bin/env bash
# The ordinary day, by the old names (2.3.1): `proof/day/daily.sh`. See stage.sh for what may be set.
source "$(dirname "$0")/stage.sh"

start_centre
echo "2.3.1 The ordinary day"

step 1 "start the daemon"
start_daemon
within "both pairs stand" status_says "center 4/4"
must 0 fxctrl_cn status
must 22 fxumain_cn

step 2 "sign on to the centre"
must 25 fxmsg_cn cutreq
must 0 fxmsg_cn signon
within "the centre has it" centre_said "sign_on of the switch: approved"
status_says "^STATUS     SIGNON" || fail "not signed on"

step 3 "open sessions between applications and the daemon"
start_application POS1
exec 8> POS1.words
app POS1 "open: RC_OK" open
must 0 fxsession_cn

step 4 "business"
app POS1 "pay: RC_OK" pay
app POS1 "pay: RC_PK" pay 4999123412341234
app POS1 "send: RC_OK" send
SEQ=${SAID##* }
app POS1 "receive: RC_OK" receive
must 0 fxmsg_cn cancel "$SEQ"
app POS1 "result: RC_NG reversed" result "$SEQ"
must 0 fxview_cn journal

step 5 "close the applications' sessions"
must 20 fxmsg_cn signoff
app POS1 "close: RC_OK" close
exec 8>&-
within "nobody holds a session" status_says "application 0"

step 6 "ask for cutover; the day's totals are compared behind it"
BEFORE=$(cut_date)
must 0 fxmsg_cn cutreq
within "the centre cuts over" centre_said "cutover: the switch answered approved"
[[ $(cut_date) > $BEFORE ]] || fail "the cut date is $(cut_date), and was $BEFORE"
reconciled

step 7 "sign off"
must 23 fxctrl_cn shutdown
must 0 fxmsg_cn signoff
within "the centre has it" centre_said "sign_off of the switch: approved"
status_says "^STATUS     SIGNOFF" || fail "not signed off"

step 8 "stop the daemon"
must 0 fxctrl_cn shutdown
daemon_ended 0
must 24 fxctrl_cn status

echo "2.3.1 as the document says"
