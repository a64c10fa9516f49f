/* Everything a caller can get wrong, and what it is told. */
#define _POSIX_C_SOURCE 200809L
#include "fxapi.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WANT(wanted, call)                                                                                          \
    do {                                                                                                            \
        FX_ULONG got_ = (call);                                                                                     \
        if (got_ != (wanted)) {                                                                                     \
            printf("line %d: %s: %s, wanted %s\n", __LINE__, #call, FX_RcName(got_), FX_RcName(wanted));            \
            exit(1);                                                                                                \
        }                                                                                                           \
    } while (0)

#define HOLDS(condition) WANT(1, (condition) ? 1u : 0u)

static void parameters(ULONG session) {
    fx_XMsg message, answer;
    CHAR text[8] = "#######";
    ULONG size, seq = 0, type = FX_TRN_SALE;
    struct tm day;

    WANT(RC_INVALID_PARAM, FX_OpenSession_CN(NULL));
    WANT(RC_INVALID_PARAM, FX_InitMsg(NULL));
    WANT(RC_INVALID_PARAM, FX_GetCutDate(session, NULL));
    WANT(RC_INVALID_PARAM, FX_GetSeqNum(session, NULL));
    WANT(RC_INVALID_PARAM, FX_ReceiveMsg_CN(session, FX_RECEIVE_SYNC, NULL, &seq, &answer));
    WANT(RC_INVALID_PARAM, FX_ReceiveMsg_CN(session, 7, &type, &seq, &answer));
    WANT(RC_INVALID_PARAM, FX_ReceiveMsg_CN(session, FX_RECEIVE_SYNC, &type, NULL, &answer));
    WANT(RC_INVALID_PARAM, FX_SendMsg_CN(session, 1, NULL, NULL, NULL, NULL));
    WANT(RC_INVALID_MSGGRP, FX_BuildMsg(session, 99, &message));
    WANT(RC_INVALID_PARAM, FX_BuildMsg(session, FX_TRN_SALE, NULL));
    WANT(RC_ERR_BUILDMSG, FX_BuildAuthMsg(session, FX_TRN_SALE, 0, "4111111111111111", "12.50", NULL, NULL, "T", NULL,
                                          NULL, NULL, NULL, NULL, &message));

    /* What nobody built a message in. */
    memset(&message, 0x5a, sizeof message);
    WANT(RC_INVALID_MSG, FX_SetField(&message, 4, "1"));
    WANT(RC_INVALID_MSG, FX_SendMsg_CN(session, 1, &message, NULL, NULL, NULL));

    /* Numbers, lengths and room. */
    WANT(RC_OK, FX_InitMsg(&message));
    WANT(RC_INVALID_PARAM, FX_SetField(&message, 0, "1"));
    WANT(RC_INVALID_PARAM, FX_SetField(&message, 129, "1"));
    WANT(RC_INVALID_PARAM, FX_SetField(&message, 4, NULL));
    WANT(RC_INVALID_PARAM, FX_SetLLVAR(&message, 48, "x", 100));
    WANT(RC_INVALID_PARAM, FX_SetLLLVAR(&message, 48, "x", 1000));
    WANT(RC_OK, FX_SetField(&message, 38, "A1B2C3"));
    size = 6;
    WANT(RC_INVALID_PARAM, FX_GetField(&message, 38, text, &size));
    HOLDS(size == 7 && strcmp(text, "#######") == 0);
    WANT(RC_OK, FX_GetField(&message, 38, text, &size));
    HOLDS(strcmp(text, "A1B2C3") == 0);
    size = 6;
    WANT(RC_OK, FX_GetLLVAR(&message, 38, text, &size));
    HOLDS(size == 6);
    WANT(RC_INVALID_PARAM, FX_GetField(&message, 38, NULL, &size));
    WANT(RC_INVALID_PARAM, FX_GetField(&message, 38, text, NULL));
    WANT(RC_NO_MSG_IN_FILE, FX_GetField(&message, 39, text, &size));
    /* A message of no kind cannot be sent. */
    WANT(RC_INVALID_MSG, FX_SendMsg_CN(session, 1, &message, NULL, NULL, NULL));

    /* Numbers that mean nothing. */
    WANT(RC_INVALID_PARAM, FX_SendSystemCancel_CN(session, 0));
    WANT(RC_INVALID_PARAM, FX_SendSystemCancel_CN(session, 1000000));
    WANT(RC_NO_MSG_IN_FILE, FX_SendSystemCancel_CN(session, 999999));
    WANT(RC_NO_MSG_IN_FILE, FX_CaptureAuth(session, 999999, NULL, NULL, 0, NULL));
    WANT(RC_ERR_RECEIVEMSG, FX_ReceiveMsg_CN(session, FX_RECEIVE_SYNC, &type, &seq, NULL));
    (void)day;
}

/* A message the switch cannot use is refused, and nothing of it is sent. */
static void messages(ULONG session) {
    static const struct {
        ULONG bit;
        const char *text;
    } bad[] = {{2, "41x1"}, {12, "2611"}, {49, "YEN"}, {64, "00"}, {11, "7"}, {55, "9F2"}, {41, "0123456789ABCDEFG"}};
    fx_XMsg message;
    ULONG seq, type, rc;
    unsigned at;
    for (at = 0; at < sizeof bad / sizeof bad[0]; at++) {
        WANT(RC_OK, FX_BuildAuthMsg(session, FX_TRN_SALE, 0, "4111111111111111", "1", NULL, NULL, "TERM0001", NULL, NULL,
                                    NULL, NULL, NULL, &message));
        WANT(RC_OK, FX_SetField(&message, bad[at].bit, bad[at].text));
        WANT(RC_OK, FX_GetSeqNum(session, &seq));
        rc = FX_SendMsg_CN(session, seq, &message, NULL, NULL, NULL);
        type = FX_TRN_SALE;
        if (rc == RC_OK)
            rc = FX_ReceiveMsg_CN(session, FX_RECEIVE_SYNC, &type, &seq, &message);
        if (rc != RC_INVALID_MSG) {
            printf("field %u = %s: %s\n", (unsigned)bad[at].bit, bad[at].text, FX_RcName(rc));
            exit(1);
        }
        WANT(RC_NO_MSG_IN_FILE, FX_GetResult(session, seq, NULL));
    }
}

/* Whoever sends and never receives is stopped, and goes on as soon as it receives. */
static void too_many(ULONG session) {
    fx_XMsg message;
    ULONG seq, type, sent = 0, rc;
    for (;;) {
        WANT(RC_OK, FX_BuildAuthMsg(session, FX_TRN_SALE, 0, "4111111111111111", "1", NULL, NULL, "TERM0001", NULL, NULL,
                                    NULL, NULL, NULL, &message));
        WANT(RC_OK, FX_GetSeqNum(session, &seq));
        rc = FX_SendMsg_CN(session, seq, &message, NULL, NULL, NULL);
        if (rc != RC_OK)
            break;
        sent++;
    }
    HOLDS(rc == RC_ROUTE_BUSY && sent == 256);
    while (sent-- > 0) {
        seq = 0;
        type = FX_TRN_SALE;
        rc = FX_ReceiveMsg_CN(session, FX_RECEIVE_SYNC, &type, &seq, NULL);
        HOLDS(rc == RC_PKG_IS_SIGNOFF_OR_SWITCHING); /* no centre here: nothing was sent to anybody */
    }
    WANT(RC_ERR_RECEIVEMSG, FX_ReceiveMsg_CN(session, FX_RECEIVE_SYNC, &type, &seq, NULL));
}

static void unknown_sessions(void) {
    static const ULONG unknown[] = {0, 77, 4294967295u};
    fx_XMsg message;
    ULONG seq = 0, type = FX_TRN_OTHER;
    struct tm day;
    unsigned at;
    for (at = 0; at < sizeof unknown / sizeof unknown[0]; at++) {
        ULONG id = unknown[at];
        WANT(RC_NO_SESSION_ID, FX_CloseSession(id));
        WANT(RC_NO_SESSION_ID, FX_Connect(id));
        WANT(RC_NO_SESSION_ID, FX_Disconnect(id));
        WANT(RC_NO_SESSION_ID, FX_CtrlSignOn(id));
        WANT(RC_NO_SESSION_ID, FX_CtrlSignOff(id));
        WANT(RC_NO_SESSION_ID, FX_CtrlShutdown(id, TRUE));
        WANT(RC_NO_SESSION_ID, FX_CtrlRecovery(id));
        WANT(RC_NO_SESSION_ID, FX_GetCutDate(id, &day));
        WANT(RC_NO_SESSION_ID, FX_SendCutOverMsg(id));
        WANT(RC_NO_SESSION_ID, FX_GetSeqNum(id, &seq));
        WANT(RC_NO_SESSION_ID, FX_ReceiveMsg_CN(id, FX_RECEIVE_SYNC, &type, &seq, &message));
        WANT(RC_NO_SESSION_ID, FX_SendSystemCancel_CN(id, 1));
        WANT(RC_NO_SESSION_ID, FX_GetResult(id, 1, NULL));
        WANT(RC_NO_SESSION_ID, FX_BuildMsg(id, FX_TRN_SALE, &message));
        HOLDS(!FX_IsRunning(id) && !FX_IsSignOn(id) && !FX_IsSwitch(id) && !FX_IsRecoveryMode(id));
    }
}

static ULONG shared;

static void *waits(void *unused) {
    ULONG type = FX_TRN_OTHER, seq = 0;
    ULONG rc;
    (void)unused;
    /* EVENT_RECEIVE_TIMEOUT is short here, and nothing happens meanwhile. */
    do {
        rc = FX_ReceiveMsg_CN(shared, FX_RECEIVE_SYNC, &type, &seq, NULL);
    } while (rc == RC_USE_SESSION_ID);
    WANT(RC_TIME_OUT, rc);
    return NULL;
}

/* Two threads on one session: the second is told so at once; on a session of its own it is not. */
static void threads(ULONG session) {
    pthread_t other;
    ULONG own = 0, rc;
    shared = session;
    WANT(RC_OK, FX_OpenSession_CN(&own));
    HOLDS(pthread_create(&other, NULL, waits, NULL) == 0);
    do {
        ULONG seq = 0;
        rc = FX_GetSeqNum(session, &seq);
    } while (rc == RC_OK);
    HOLDS(rc == RC_USE_SESSION_ID);
    WANT(RC_USE_SESSION_ID, FX_CloseSession(session));
    HOLDS(FX_IsRunning(own));
    HOLDS(pthread_join(other, NULL) == 0);
    HOLDS(FX_IsRunning(session));
    WANT(RC_OK, FX_CloseSession(own));
}

/* A child has none of its parent's sessions, and may open its own. */
static void children(ULONG session) {
    int status = 0;
    pid_t child;
    fflush(stdout);
    child = fork();
    if (child == 0) {
        ULONG own = 0;
        if (FX_CloseSession(session) != RC_NO_SESSION_ID || FX_GetSeqNum(session, &own) != RC_NO_SESSION_ID)
            _exit(2);
        _exit(FX_OpenSession_CN(&own) == RC_OK && FX_IsRunning(own) ? 0 : 3);
    }
    HOLDS(child > 0 && waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        printf("the child ended with %d\n", status);
        exit(1);
    }
    HOLDS(FX_IsRunning(session));
}

int main(void) {
    ULONG session = 0;
    unknown_sessions();
    WANT(RC_OK, FX_OpenSession_CN(&session));
    unknown_sessions();
    parameters(session);
    messages(session);
    too_many(session);
    threads(session);
    children(session);
    HOLDS(strcmp(FX_RcName(10), "RC_TIME_OUT") == 0 && strcmp(FX_RcName(29), "?") == 0);
    WANT(RC_OK, FX_CloseSession(session));
    puts("done");
    return 0;
}
