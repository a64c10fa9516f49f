/* An application of a merchant, through a day. It is told on the command line which part of which day to play, says
 * each step as it is done, and ends with 1 at the first that did not do what the manual says. */
#define _POSIX_C_SOURCE 200809L
#include "fxapi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WANT(wanted, call)                                                                                          \
    do {                                                                                                            \
        FX_ULONG got_ = (call);                                                                                     \
        if (got_ != (wanted)) {                                                                                     \
            printf("line %d: %s: %s, wanted %s\n", __LINE__, #call, FX_RcName(got_), FX_RcName(wanted));            \
            exit(1);                                                                                                \
        }                                                                                                           \
    } while (0)

#define HOLDS(condition)                                                                                            \
    do {                                                                                                            \
        if (!(condition)) {                                                                                         \
            printf("line %d: does not hold: %s\n", __LINE__, #condition);                                           \
            exit(1);                                                                                                \
        }                                                                                                           \
    } while (0)

static const char GOOD[] = "4111111111111111";
static const char STOLEN[] = "4999123412341234";

static void step(const char *words) {
    puts(words);
    fflush(stdout);
}

/* Waits for a line from whoever plays with us. */
static void wait_for_line(void) {
    char line[64];
    HOLDS(fgets(line, sizeof line, stdin) != NULL);
}

static ULONG opened(void) {
    ULONG session = 0;
    WANT(RC_OK, FX_OpenSession_CN(&session));
    HOLDS(session != 0);
    return session;
}

static void build(ULONG session, ULONG type, const char *card, const char *amount, fx_XMsg *message) {
    WANT(RC_OK, FX_BuildAuthMsg(session, type, 0, card, amount, NULL, "5411", "TERM0001", "SHOP00000000001", NULL, NULL,
                                "12345678901", NULL, message));
}

/* An authorization; gives its sequence number. */
static ULONG authorize(ULONG session, const char *card, ULONG wanted, const char *reason_wanted) {
    fx_XMsg request, response;
    ULONG seq = 0;
    CHAR reason[FX_REASON_SIZE], code[FX_AUTHCODE_SIZE], rrn[FX_RETREFNUM_SIZE], agent[FX_AUTHAGENT_SIZE];
    CHAR transport[FX_TRANSPORT_SIZE];
    build(session, FX_TRN_AUTH, card, "10000", &request);
    WANT(wanted, FX_SendAuth(session, &seq, reason, &request, NULL, NULL, NULL, '0', &response, code, rrn, agent,
                             transport));
    if (strncmp(reason, reason_wanted, strlen(reason_wanted)) != 0) {
        printf("reason %s, wanted %s\n", reason, reason_wanted);
        exit(1);
    }
    FX_InitMsg(&request);
    return seq;
}

static void online(ULONG session) {
    fx_XMsg request, response;
    CHAR text[32], reason[FX_REASON_SIZE];
    ULONG seq, second, size, type;

    seq = authorize(session, GOOD, RC_OK, "000000");
    WANT(RC_OK, FX_GetResult(session, seq, &response));
    size = sizeof text;
    WANT(RC_OK, FX_GetField(&response, 120, text, &size));
    HOLDS(strcmp(text, "approved") == 0);
    WANT(RC_OK, FX_CaptureAuth(session, seq, reason, NULL, 0, &response));
    WANT(RC_OK, FX_CaptureAuth(session, seq, reason, NULL, 0, NULL)); /* captured twice is captured once */
    /* For less than was approved, by a message of its own; and then no more, and not what was taken back. */
    seq = authorize(session, GOOD, RC_OK, "000000");
    WANT(RC_OK, FX_BuildAdviceMsg(session, seq, "10001", NULL, &request));
    WANT(RC_OK, FX_GetSeqNum(session, &second));
    WANT(RC_OK, FX_SendMsg_CN(session, second, &request, NULL, NULL, NULL));
    type = FX_TRN_ADVICE;
    WANT(RC_INVALID_MSG, FX_ReceiveMsg_CN(session, FX_RECEIVE_SYNC, &type, &second, &response));
    WANT(RC_OK, FX_BuildAdviceMsg(session, seq, "4000", NULL, &request));
    WANT(RC_OK, FX_GetSeqNum(session, &second));
    WANT(RC_OK, FX_SendMsg_CN(session, second, &request, NULL, NULL, NULL));
    type = FX_TRN_ADVICE;
    WANT(RC_OK, FX_ReceiveMsg_CN(session, FX_RECEIVE_SYNC, &type, &second, &response));
    WANT(RC_ERR_APPOINT_NUM, FX_CaptureAuth(session, seq, reason, NULL, 0, NULL));
    HOLDS(strcmp(reason, "ERRDUP") == 0);
    seq = authorize(session, GOOD, RC_OK, "000000");
    WANT(RC_OK, FX_SendSystemCancel_CN(session, seq));
    WANT(RC_INVALID_MSG, FX_CaptureAuth(session, seq, reason, NULL, 0, NULL));
    seq = authorize(session, STOLEN, RC_PK, "209");
    WANT(RC_INVALID_MSG, FX_CaptureAuth(session, seq, reason, NULL, 0, NULL));

    /* A sale taken back, by its number alone. */
    build(session, FX_TRN_SALE, GOOD, "500", &request);
    WANT(RC_OK, FX_GetSeqNum(session, &seq));
    WANT(RC_OK, FX_SendMsg_CN(session, seq, &request, NULL, NULL, NULL));
    WANT(RC_ERR_APPOINT_NUM, FX_SendMsg_CN(session, seq, &request, NULL, NULL, NULL));
    WANT(RC_REMAIN_MSG, FX_CloseSession(session));
    type = FX_TRN_SALE;
    second = seq;
    WANT(RC_OK, FX_ReceiveMsg_CN(session, FX_RECEIVE_SYNC, &type, &second, &response));
    HOLDS(type == FX_TRN_SALE && second == seq);
    WANT(RC_OK, FX_SendSystemCancel_CN(session, seq));
    WANT(RC_OK, FX_SendSystemCancel_CN(session, seq)); /* taken back twice is taken back once */
    WANT(RC_NG, FX_GetResult(session, seq, &response));
    size = sizeof text;
    WANT(RC_OK, FX_GetField(&response, 120, text, &size));
    HOLDS(strcmp(text, "reversed") == 0);
    WANT(RC_ERR_RECEIVEMSG, FX_ReceiveMsg_CN(session, FX_RECEIVE_ASYNC, &type, &second, &response));

    WANT(RC_INVALID_MSG, FX_CaptureAuth(session, seq, reason, NULL, 0, NULL)); /* its money has moved by itself */

    /* The same by messages of its own, received when they are there. */
    build(session, FX_TRN_SALE, GOOD, "700", &request);
    WANT(RC_OK, FX_GetSeqNum(session, &seq));
    WANT(RC_OK, FX_SendMsg_CN(session, seq, &request, "12345678901", NULL, NULL));
    do {
        second = 0;
        type = FX_TRN_SALE;
        size = FX_ReceiveMsg_CN(session, FX_RECEIVE_ASYNC, &type, &second, &response);
    } while (size == RC_DATA_IS_NOT_READY);
    HOLDS(size == RC_OK && second == seq);
    WANT(RC_OK, FX_BuildCancelMsg(session, seq, &request));
    WANT(RC_OK, FX_GetSeqNum(session, &second));
    WANT(RC_OK, FX_SendMsg_CN(session, second, &request, NULL, NULL, NULL));
    type = FX_TRN_CANCEL;
    WANT(RC_OK, FX_ReceiveMsg_CN(session, FX_RECEIVE_SYNC, &type, &second, &response));

    build(session, FX_TRN_AUTH, GOOD, "900", &request);
    WANT(RC_OK, FX_SendAndCaptureAuth(session, &seq, reason, 0, &request, NULL, NULL, NULL, '0', &response, NULL, NULL,
                                      NULL, NULL));
    build(session, FX_TRN_SALE, GOOD, "900", &request);
    second = seq;
    WANT(RC_INVALID_MSG, FX_SendAndCaptureAuth(session, &seq, reason, 0, &request, NULL, NULL, NULL, '0', &response,
                                               NULL, NULL, NULL, NULL));
    HOLDS(seq == second); /* nothing was sent */
}

static void cut_day(ULONG session, CHAR day[FX_DATE_SIZE]) {
    struct tm date;
    memset(&date, 0, sizeof date);
    WANT(RC_OK, FX_GetCutDate(session, &date));
    HOLDS(strftime(day, FX_DATE_SIZE, "%Y%m%d", &date) == 8);
}

/* Receives events until one of that name comes; its day goes where that is wanted. */
static void event(ULONG session, const char *name, ULONG code, CHAR *day) {
    fx_XMsg told;
    CHAR found[64];
    for (;;) {
        ULONG type = FX_TRN_OTHER, seq = 0, size = sizeof found;
        ULONG got = FX_ReceiveMsg_CN(session, FX_RECEIVE_SYNC, &type, &seq, &told);
        if (got == RC_TIME_OUT || (got > 0 && got < RC_OK_CENTER_SESSION)) {
            printf("no event %s: %s\n", name, FX_RcName(got));
            exit(1);
        }
        WANT(RC_OK, FX_GetField(&told, 120, found, &size));
        if (strcmp(found, name) == 0) {
            HOLDS(got == code);
            size = FX_DATE_SIZE;
            if (day != NULL)
                WANT(RC_OK, FX_GetField(&told, 122, day, &size));
            return;
        }
    }
}

static void wait_until_reconciled(ULONG session) {
    int left = 1000;
    struct timespec moment = {0, 20 * 1000 * 1000};
    while (!FX_IsReconciled(session) && left-- > 0)
        nanosleep(&moment, NULL);
    HOLDS(FX_IsReconciled(session));
}

/* 2.3.1: the daemon runs; everything else is ours. */
static void daily(void) {
    CHAR before[FX_DATE_SIZE], after[FX_DATE_SIZE], told[FX_DATE_SIZE];
    ULONG session = opened(), manager;
    HOLDS(FX_IsRunning(session) && !FX_IsSignOn(session) && !FX_IsRecoveryMode(session));
    authorize(session, GOOD, RC_PKG_IS_SIGNOFF_OR_SWITCHING, "");
    WANT(RC_OK, FX_Connect(session));
    event(session, "link.signed_on", RC_SIGNON, NULL);
    HOLDS(FX_IsSignOn(session) && !FX_IsSwitch(session));
    step("2 signed on");
    step("3 session open");
    online(session);
    step("4 online");
    manager = opened();
    WANT(RC_APPL_IS_REMAINED, FX_Disconnect(manager));
    WANT(RC_APPL_IS_REMAINED, FX_CtrlShutdown(manager, FALSE));
    WANT(RC_OK, FX_CloseSession(session));
    WANT(RC_NO_SESSION_ID, FX_CloseSession(session));
    step("5 session closed");
    cut_day(manager, before);
    WANT(RC_OK, FX_SendCutOverMsg(manager));
    event(manager, "cutover.completed", RC_OK, told);
    cut_day(manager, after);
    HOLDS(strcmp(before, after) < 0 && strcmp(told, after) == 0);
    wait_until_reconciled(manager);
    step("6 cut over and reconciled");
    WANT(RC_PKG_IS_NOT_SIGNOFF, FX_CtrlShutdown(manager, FALSE));
    WANT(RC_OK, FX_CtrlSignOff(manager));
    authorize(manager, GOOD, RC_PKG_IS_SIGNOFF_OR_SWITCHING, "");
    WANT(RC_OK, FX_CtrlSignOn(manager));
    WANT(RC_OK, FX_Disconnect(manager));
    HOLDS(!FX_IsSignOn(manager));
    step("7 signed off");
    WANT(RC_OK, FX_CtrlShutdown(manager, FALSE));
    HOLDS(!FX_IsRunning(manager));
    WANT(RC_OK, FX_CloseSession(manager));
    step("8 stopped");
}

/* 2.3.2: an application that is there all the time, and one that is replaced. */
static void around(void) {
    CHAR before[FX_DATE_SIZE], told[FX_DATE_SIZE], after[FX_DATE_SIZE], reason[FX_REASON_SIZE];
    ULONG session = opened(), other = opened(), yesterdays;
    WANT(RC_OK, FX_Connect(session));
    step("2 signed on");
    step("3 session open");
    online(other);
    yesterdays = authorize(other, GOOD, RC_OK, "000000");
    cut_day(session, before);
    step("4 online");
    do /* The first day the centre said, at sign-on, was an event too. */
        event(session, "cutover.completed", RC_OK, told);
    while (strcmp(told, before) == 0);
    cut_day(session, after);
    HOLDS(strcmp(before, after) < 0 && strcmp(told, after) == 0);
    online(other);
    WANT(RC_OK, FX_CaptureAuth(other, yesterdays, reason, NULL, 0, NULL));
    step("5 cut over by the centre");
    WANT(RC_OK, FX_CloseSession(other));
    other = opened();
    online(other);
    WANT(RC_OK, FX_CloseSession(other));
    wait_until_reconciled(session);
    step("6 replaced");
    WANT(RC_OK, FX_Disconnect(session));
    step("7 signed off");
    WANT(RC_OK, FX_CtrlShutdown(session, FALSE));
    step("8 stopped");
}

/* 2.3.3, first half: the daemon is stopped by force while the centre owes an answer. */
static void crash(void) {
    fx_XMsg request;
    ULONG session = opened(), seq = 0, type = FX_TRN_SALE, rc;
    WANT(RC_OK, FX_Connect(session));
    build(session, FX_TRN_SALE, GOOD, "1234", &request);
    WANT(RC_OK, FX_GetSeqNum(session, &seq));
    step("ready");
    wait_for_line();
    WANT(RC_OK, FX_SendMsg_CN(session, seq, &request, NULL, NULL, NULL));
    printf("sent %lu\n", (unsigned long)seq);
    fflush(stdout);
    wait_for_line();
    WANT(RC_OK, FX_CtrlShutdown(session, TRUE));
    WANT(RC_PKG_IS_NOT_STARTED, FX_SendCutOverMsg(session));
    step("1 stopped by force");
    session = 0;
    rc = FX_OpenSession_CN(&session);
    HOLDS(rc == RC_PKG_IS_NOT_STARTED && session == 0);
    (void)type;
}

/* 2.3.3, second half. */
static void recover(ULONG seq) {
    fx_XMsg told;
    ULONG session = opened();
    HOLDS(FX_IsRecoveryMode(session));
    authorize(session, GOOD, RC_PKG_IS_SIGNOFF_OR_SWITCHING, "");
    WANT(RC_PKG_IS_SIGNOFF_OR_SWITCHING, FX_CtrlRecovery(session));
    WANT(RC_OK, FX_Connect(session));
    step("3 signed on");
    authorize(session, GOOD, RC_PKG_IS_SIGNOFF_OR_SWITCHING, "");
    WANT(RC_OK, FX_CtrlRecovery(session));
    HOLDS(!FX_IsRecoveryMode(session));
    WANT(RC_NG, FX_GetResult(session, seq, &told)); /* it was in flight: it was taken back */
    step("4 recovered");
    step("5 session open");
    online(session);
    step("6 online");
    WANT(RC_OK, FX_CloseSession(session));
    session = opened();
    step("7 session closed");
    WANT(RC_OK, FX_SendCutOverMsg(session));
    event(session, "cutover.completed", RC_OK, NULL);
    /* The centre has booked and taken back what it never answered; here it counts for nothing. It is the difference. */
    event(session, "recon.out_of_balance", RC_OK, NULL);
    HOLDS(!FX_IsReconciled(session));
    step("8 cut over and compared");
    WANT(RC_OK, FX_Disconnect(session));
    step("9 signed off");
    WANT(RC_OK, FX_CtrlShutdown(session, FALSE));
    step("10 stopped");
}

/* The centre never answers: nobody knows, and the switch takes it back. */
static void silence(void) {
    fx_XMsg told;
    CHAR text[32];
    ULONG session = opened(), seq, size = sizeof text;
    WANT(RC_OK, FX_Connect(session));
    step("ready");
    wait_for_line();
    seq = authorize(session, GOOD, RC_TIME_OUT, "911");
    WANT(RC_TIME_OUT, FX_GetResult(session, seq, &told));
    WANT(RC_OK, FX_GetField(&told, 124, text, &size));
    HOLDS(strcmp(text, "reversing") == 0);
    step("unknown");
    wait_for_line();
    event(session, "transaction.resolved", RC_OK, NULL);
    WANT(RC_NG, FX_GetResult(session, seq, &told));
    step("reversed");
}

/* A sale that stands until somebody cancels it at the keyboard. */
static void one(void) {
    fx_XMsg request;
    ULONG session = opened(), seq = 0, type = FX_TRN_SALE;
    WANT(RC_OK, FX_Connect(session));
    build(session, FX_TRN_SALE, GOOD, "77", &request);
    WANT(RC_OK, FX_GetSeqNum(session, &seq));
    WANT(RC_OK, FX_SendMsg_CN(session, seq, &request, NULL, NULL, NULL));
    WANT(RC_OK, FX_ReceiveMsg_CN(session, FX_RECEIVE_SYNC, &type, &seq, NULL));
    WANT(RC_OK, FX_GetResult(session, seq, NULL));
    printf("sent %lu\n", (unsigned long)seq);
    fflush(stdout);
    wait_for_line();
    WANT(RC_NG, FX_GetResult(session, seq, NULL));
}

/* A number that stands for transactions of two days, neither of them of this session: none is taken for the other. */
static void several(ULONG seq) {
    fx_XMsg request, told;
    CHAR reason[FX_REASON_SIZE];
    ULONG session = opened(), type = FX_TRN_SALE;
    WANT(RC_ERR_APPOINT_NUM, FX_GetResult(session, seq, &told));
    WANT(RC_ERR_APPOINT_NUM, FX_SendSystemCancel_CN(session, seq));
    WANT(RC_ERR_APPOINT_NUM, FX_CaptureAuth(session, seq, reason, NULL, 0, &told));
    build(session, FX_TRN_SALE, GOOD, "88", &request);
    WANT(RC_OK, FX_SendMsg_CN(session, seq, &request, NULL, NULL, NULL));
    WANT(RC_ERR_APPOINT_NUM, FX_ReceiveMsg_CN(session, FX_RECEIVE_SYNC, &type, &seq, NULL));
}

/* What happens to the connections with the centre, in the codes the older product had for it. */
static void events(void) {
    fx_XMsg told;
    ULONG session = opened(), type = FX_TRN_OTHER, seq = 0;
    WANT(RC_DATA_IS_NOT_READY, FX_ReceiveMsg_CN(session, FX_RECEIVE_ASYNC, &type, &seq, &told));
    WANT(RC_ERR_ALL_CENTER_SESSION, FX_Connect(session));
    step("alone");
    event(session, "link.connected", RC_OK_CENTER_SESSION, NULL);
    step("connected");
    wait_for_line();
    WANT(RC_OK, FX_Connect(session));
    event(session, "link.signed_on", RC_SIGNON, NULL);
    step("signed on");
    event(session, "link.degraded", RC_ERR_PART_CENTER_SESSION, NULL);
    step("degraded");
    event(session, "message.format_error", RC_FORMAT_ERROR, NULL);
    step("malformed");
    event(session, "link.down", RC_ERR_ALL_CENTER_SESSION, NULL);
    step("down");
    /* It was signed on, so it signs on again by itself. */
    event(session, "link.signed_on", RC_SIGNON, NULL);
    step("there again");
    WANT(RC_OK, FX_Disconnect(session));
    event(session, "link.signed_off", RC_SIGNOFF, NULL);
    WANT(RC_OK, FX_CloseSession(session));
}

/* Whoever answers hangs up: an application is told so, and goes on living. */
static void hung_up(void) {
    ULONG session = 7;
    int times;
    for (times = 0; times < 200; times++) {
        ULONG got = FX_OpenSession_CN(&session);
        HOLDS(session == 0);
        HOLDS(got == RC_ERROR_SOCKET || got == RC_PKG_IS_NOT_STARTED);
    }
}

static void hold(void) {
    ULONG session = opened();
    HOLDS(FX_IsRunning(session));
    step("held");
    for (;;)
        pause();
}

int main(int argc, char **argv) {
    const char *part = argc > 1 ? argv[1] : "";
    HOLDS(FX_AbiVersion() == FX_ABI);
    if (strcmp(part, "daily") == 0)
        daily();
    else if (strcmp(part, "around") == 0)
        around();
    else if (strcmp(part, "crash") == 0)
        crash();
    else if (strcmp(part, "recover") == 0 && argc > 2)
        recover((ULONG)strtoul(argv[2], NULL, 10));
    else if (strcmp(part, "silence") == 0)
        silence();
    else if (strcmp(part, "events") == 0)
        events();
    else if (strcmp(part, "hung up") == 0)
        hung_up();
    else if (strcmp(part, "several") == 0 && argc > 2)
        several((ULONG)strtoul(argv[2], NULL, 10));
    else if (strcmp(part, "one") == 0)
        one();
    else if (strcmp(part, "hold") == 0)
        hold();
    else
        return 2;
    step("done");
    return 0;
}
