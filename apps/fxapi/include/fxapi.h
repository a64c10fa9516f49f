/* fxapi.h: a running Sekisho switch for C programs, under the names an older product gave its functions.
 *
 * Written from public fragments of that product's manual: names, codes and most parameter lists are as they stand
 * there; what no public page shows is ours and marked [ours]. Programs are to be compiled anew. Nothing here can
 * take the place of the older library under a program that was compiled with it.
 *
 * THE ONE RULE ABOUT MONEY
 *     RC_TIME_OUT (10) and RC_ERROR_SOCKET (18) of a function that sends mean: NOBODY KNOWS WHAT BECAME OF IT.
 *     Do not pay out, do not deliver, do not send again under another sequence number. The switch takes back by
 *     itself what timed out. FX_GetResult tells what became of it.
 *
 * Sizes. FX_ULONG has 32 bits on every machine, as `unsigned long` has where the older product ran. On 64-bit Unix
 * `unsigned long` has 64: a program that hands in the address of one of its own must be changed, and the compiler
 * says where. The old type names are defined here unless FX_NO_OLD_TYPES is.
 *
 * Threads. A session belongs to one call at a time: a second thread on the same session gets RC_USE_SESSION_ID
 * (13) at once. Several sessions may be used at the same time. A child made by fork() has no sessions: it opens
 * its own.
 *
 * Buffers are the caller's, always. A pointer to what is only told may be NULL where this says so.
 *
 * Where the switch is: FX_SOCKET (path of its control socket), or FX_CONF (its configuration, or the folder of
 * it), or ./sekisho.toml. Which link: FX_LINK, or `cn`, or the only one. Who asks: FX_APPLICATION, or the name of
 * the program.
 */
#ifndef FXAPI_H
#define FXAPI_H

#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Goes up when something a compiled program relies on changes. FX_AbiVersion() tells the library's. [ours] */
#define FX_ABI 1u

typedef uint32_t FX_ULONG;
typedef int32_t FX_BOOL;
typedef char FX_CHAR;

#ifndef FX_NO_OLD_TYPES
typedef FX_ULONG ULONG;
typedef FX_BOOL BOOL;
typedef FX_CHAR CHAR;
#ifndef TRUE
#define TRUE 1
#define FALSE 0
#endif
#endif

/* ---- return codes ------------------------------------------------------------------------------------------- */

#define RC_OK 0u
#define RC_NG 1u
#define RC_REFER_TO_ISSUER 2u
#define RC_PK 3u
#define RC_ERROR 4u
#define RC_INVALID_PIN 5u
#define RC_NO_MSG_IN_FILE 6u
#define RC_NO_SESSION_ID 7u
#define RC_INVALID_MSGGRP 8u
#define RC_REMAIN_MSG 9u
/* UNKNOWN, not declined. The switch takes it back by itself. */
#define RC_TIME_OUT 10u
#define RC_INVALID_MSG 11u
#define RC_ERR_CENTER_BUSY 12u
#define RC_USE_SESSION_ID 13u
#define RC_DATA_IS_NOT_READY 14u
#define RC_ERROR_API_INTERNAL 15u
#define RC_ERROR_DAEMON 16u
#define RC_ERROR_CENTER 17u
/* UNKNOWN where something was being sent. */
#define RC_ERROR_SOCKET 18u
#define RC_ROUTE_BUSY 19u
#define RC_APPL_IS_REMAINED 20u
#define RC_COULD_NOT_OPEN_JOURNAL 21u
#define RC_PKG_ALREADY_STARTED 22u
#define RC_PKG_IS_NOT_SIGNOFF 23u
#define RC_PKG_IS_NOT_STARTED 24u
#define RC_PKG_IS_SIGNOFF_OR_SWITCHING 25u
#define RC_ERR_OPENSESSION 30u
#define RC_ERR_SEARCHJOURNAL 31u
#define RC_ERR_GETCANCELTRN 32u
#define RC_ERR_BUILDMSG 33u
#define RC_ERR_GETSEQNUM 34u
#define RC_ERR_SENDMSG 35u
#define RC_ERR_RETRY_OVER 36u
#define RC_ERR_RECEIVEMSG 37u
#define RC_ERR_APPOINT_NUM 38u
#define RC_ERR_OPEN_FILE 39u
#define RC_ERR_JOURNAL 40u
/* 41 to 50 are events: FX_ReceiveMsg_CN with FX_TRN_OTHER. */
#define RC_OK_CENTER_SESSION 41u
#define RC_ERR_PART_CENTER_SESSION 42u
#define RC_ERR_ALL_CENTER_SESSION 43u
#define RC_SIGNON 44u
#define RC_SIGNOFF 45u
#define RC_FORMAT_ERROR 48u
#define RC_DESTROY_CARDNET_MESSAGE 49u
#define RC_DESTROY_CAFIS_MESSAGE 50u
#define RC_INVALID_PARAM 1000u

/* ---- messages ----------------------------------------------------------------------------------------------- */

/* What lies in it is the library's business: only the functions below read and write it. It holds card data: wipe
 * it with FX_InitMsg before you let it go. [ours: how the older product's looks is not public] */
#define FX_XMSG_SIZE 8192
typedef struct fx_XMsg {
    unsigned char opaque[FX_XMSG_SIZE];
} fx_XMsg;

/* Transaction types. [ours: the older product's values are not public] */
#define FX_TRN_OTHER 0u        /* the event channel */
#define FX_TRN_AUTH 1u         /* a reservation: no money moves before it is captured */
#define FX_TRN_SALE 2u         /* a purchase in one message */
#define FX_TRN_WITHDRAWAL 3u
#define FX_TRN_DEPOSIT 4u
#define FX_TRN_BALANCE 5u
#define FX_TRN_REFUND 6u
#define FX_TRN_ADVICE 7u       /* a capture: FX_BuildAdviceMsg */
#define FX_TRN_CANCEL 8u       /* a system cancel: FX_BuildCancelMsg */
#define TRN_OTHER FX_TRN_OTHER

/* Sizes of what is told, with the zero at the end. */
#define FX_REASON_SIZE 7       /* action code 3, domestic code 3; or ERRFMT ERRNET ERRLOG ERRDAT ERRDUP ERRNON ERRJUP */
#define FX_AUTHCODE_SIZE 7
#define FX_RETREFNUM_SIZE 13
#define FX_AUTHAGENT_SIZE 12
#define FX_TRANSPORT_SIZE 1000
#define FX_DATE_SIZE 9         /* YYYYMMDD */

/* Makes it an empty message; what lay there is wiped. [ours] */
FX_ULONG FX_InitMsg(fx_XMsg *pMsg);

/* Sets field ulBit (1 to 128) to a text that ends with zero; an empty text takes the field away. */
FX_ULONG FX_SetField(fx_XMsg *pMsg, FX_ULONG ulBit, const FX_CHAR *pchData);
/* Reads it. *pulSize is the room in pchData; it becomes the size needed, zero at the end included. Too little room:
 * RC_INVALID_PARAM, and nothing was written. Not set: RC_NO_MSG_IN_FILE. [ours: the room] */
FX_ULONG FX_GetField(const fx_XMsg *pMsg, FX_ULONG ulBit, FX_CHAR *pchData, FX_ULONG *pulSize);
/* The same with a length instead of a zero at the end: up to 99 bytes, and up to 999. *pulLength is the room, then
 * the length. */
FX_ULONG FX_SetLLVAR(fx_XMsg *pMsg, FX_ULONG ulBit, const FX_CHAR *pchData, FX_ULONG ulLength);
FX_ULONG FX_GetLLVAR(const fx_XMsg *pMsg, FX_ULONG ulBit, FX_CHAR *pchData, FX_ULONG *pulLength);
FX_ULONG FX_SetLLLVAR(fx_XMsg *pMsg, FX_ULONG ulBit, const FX_CHAR *pchData, FX_ULONG ulLength);
FX_ULONG FX_GetLLLVAR(const fx_XMsg *pMsg, FX_ULONG ulBit, FX_CHAR *pchData, FX_ULONG *pulLength);

/* Fields have the numbers of ISO 8583:1993. 52, 53 and 55 are hex digits, two for each byte. 11 is the sequence
 * number and need not be set. Currency (49) is 392 unless you set another. A field the switch could not pass on makes
 * the message RC_INVALID_MSG when it is sent. In answers: 39 action code, 37, 38 and what else the centre said; and
 * four that are ours: 120 outcome (approved, declined, unknown, ...), 121 the switch's name of the transaction, 122
 * its business date, 124 what is being done about it (reversing, ...). */

/* A request of type ulTranType. pchAmount: minor units. pchDateCapt: MMDD or NULL for the cut date. pchMerCode: 26.
 * pchTermNum: 41. pchMerNum: 42. pchPinBlk: an enciphered PIN block, 16 hex digits. pchLocal: YYMMDDhhmmss or NULL
 * for now. pchAcqComp: 32. pICData: hex digits. Any of them may be NULL where the message needs none. ulApplType
 * is taken and means nothing here. */
FX_ULONG FX_BuildAuthMsg(FX_ULONG ulSessionId, FX_ULONG ulTranType, FX_ULONG ulApplType, const FX_CHAR *pchAccountNum,
                         const FX_CHAR *pchAmount, const FX_CHAR *pchDateCapt, const FX_CHAR *pchMerCode,
                         const FX_CHAR *pchTermNum, const FX_CHAR *pchMerNum, const FX_CHAR *pchPinBlk,
                         const FX_CHAR *pchLocal, const FX_CHAR *pchAcqComp, const FX_CHAR *pICData, fx_XMsg *pReq);
/* The capture of what was authorized under ulSeqNum; pchAmount NULL for the whole. [ours: parameters] */
FX_ULONG FX_BuildAdviceMsg(FX_ULONG ulSessionId, FX_ULONG ulSeqNum, const FX_CHAR *pchAmount,
                           const FX_CHAR *pchDateCapt, fx_XMsg *pReq);
/* The system cancel of ulSeqNum. [ours: parameters] */
FX_ULONG FX_BuildCancelMsg(FX_ULONG ulSessionId, FX_ULONG ulSeqNum, fx_XMsg *pReq);
/* A message of type ulTranType with nothing in it yet: FX_SetField does the rest. [ours: parameters] */
FX_ULONG FX_BuildMsg(FX_ULONG ulSessionId, FX_ULONG ulTranType, fx_XMsg *pReq);

/* ---- sessions ----------------------------------------------------------------------------------------------- */

/* Opens a session with the switch. It is the caller's alone until it is closed or the process ends. */
FX_ULONG FX_OpenSession_CN(FX_ULONG *pulSessionId);
/* Closes it. RC_USE_SESSION_ID while another thread uses it; RC_REMAIN_MSG while an answer was not received. */
FX_ULONG FX_CloseSession(FX_ULONG ulSessionId);

/* ---- the link and the daemon -------------------------------------------------------------------------------- */

/* Sign-on and sign-off: sent, and the answer awaited. */
FX_ULONG FX_Connect(FX_ULONG ulSessionId);
FX_ULONG FX_Disconnect(FX_ULONG ulSessionId);
/* The switch's own state, without a message. */
FX_ULONG FX_CtrlSignOn(FX_ULONG ulSessionId);
FX_ULONG FX_CtrlSignOff(FX_ULONG ulSessionId);
/* In order: RC_PKG_IS_NOT_SIGNOFF (23) unless signed off. By force: at once, and the next start needs recovery. */
FX_ULONG FX_CtrlShutdown(FX_ULONG ulSessionId, FX_BOOL fForce);
/* After an unclean stop, once signed on: cancels what was in flight, sends again what is owed, waits for both. */
FX_ULONG FX_CtrlRecovery(FX_ULONG ulSessionId);

FX_BOOL FX_IsRunning(FX_ULONG ulSessionId);
FX_BOOL FX_IsSignOn(FX_ULONG ulSessionId);
FX_BOOL FX_IsSwitch(FX_ULONG ulSessionId);
FX_BOOL FX_IsRecoveryMode(FX_ULONG ulSessionId);
/* Whether the day before the cut date was compared, and balanced. */
FX_BOOL FX_IsReconciled(FX_ULONG ulSessionId);
/* Fills date and weekday of *pTm and sets its time to midnight; the rest of a longer struct tm is left as it is.
 * RC_DATA_IS_NOT_READY before the centre has said its day. */
FX_ULONG FX_GetCutDate(FX_ULONG ulSessionId, struct tm *pTm);
/* Asks the centre for cutover. That it accepts promises nothing: the cutover is its own to send. */
FX_ULONG FX_SendCutOverMsg(FX_ULONG ulSessionId);

/* ---- business ----------------------------------------------------------------------------------------------- */

/* A sequence number, 1 to 999999. */
FX_ULONG FX_GetSeqNum(FX_ULONG ulSessionId, FX_ULONG *pulSeqNum);
/* Sends without waiting. RC_ROUTE_BUSY (19) while 256 messages of this session were not received. The companies may be NULL; the first goes as the acquirer where the message names none. */
FX_ULONG FX_SendMsg_CN(FX_ULONG ulSessionId, FX_ULONG ulSeqNum, fx_XMsg *pMsg, const FX_CHAR *pchCompany1,
                       const FX_CHAR *pchCompany2, const FX_CHAR *pchCompany3);
#define FX_RECEIVE_SYNC 0u
#define FX_RECEIVE_ASYNC 1u
/* Receives on the session that sent. *pulSeqNum: whose answer, or 0 for the first that comes; it becomes the
 * number. *pulTranType becomes the type. Asynchronously: RC_DATA_IS_NOT_READY where there is none yet.
 * With *pulTranType == FX_TRN_OTHER it is the event channel: it returns the event (41 to 50), or RC_TIME_OUT after
 * 90 seconds without one (EVENT_RECEIVE_TIMEOUT in the environment: other seconds), and pMsg holds the event:
 * field 120 its name, 121 when, 122 the cut date, 123 everything in JSON. Events the older product had no code for
 * (a new cut date, an unknown outcome that was resolved) come as RC_OK (0). pMsg may be NULL. */
FX_ULONG FX_ReceiveMsg_CN(FX_ULONG ulSessionId, FX_ULONG ulReceiveMode, FX_ULONG *pulTranType, FX_ULONG *pulSeqNum,
                          fx_XMsg *pMsg);

/* Sends an authorization and waits. *pulSeqNum becomes its number. Every OUT buffer may be NULL. */
FX_ULONG FX_SendAuth(FX_ULONG ulSessionId, FX_ULONG *pulSeqNum, FX_CHAR *pchReason, fx_XMsg *pReq,
                     const FX_CHAR *pchCompany1, const FX_CHAR *pchCompany2, const FX_CHAR *pchCompany3,
                     FX_CHAR chOrgCode, fx_XMsg *pResp, FX_CHAR *pchAuthCode, FX_CHAR *pchRetRefNum,
                     FX_CHAR *pchAuthAgent, FX_CHAR *pchTransport);
/* Captures what was authorized under ulSeqNum, on any session, also behind a cutover: it counts for the day it is
 * captured on. Once: the same again is the same capture, for another amount RC_ERR_APPOINT_NUM (38). For less:
 * FX_BuildAdviceMsg. RC_INVALID_MSG (11) for what is no authorization (a sale has moved its money already), was not
 * approved, was taken back, or for more than was approved; RC_DATA_IS_NOT_READY (14) before its answer. */
FX_ULONG FX_CaptureAuth(FX_ULONG ulSessionId, FX_ULONG ulSeqNum, FX_CHAR *pchReason, FX_CHAR *pchDateCapt,
                        FX_ULONG ulCapOpt, fx_XMsg *pResp);
/* Both, the second only behind an approval. Of an authorization (FX_TRN_AUTH); RC_INVALID_MSG for anything else, and
 * nothing is sent. Where the capture fails, *pulSeqNum names what was authorized: capture it again, or take it back. */
FX_ULONG FX_SendAndCaptureAuth(FX_ULONG ulSessionId, FX_ULONG *pulSeqNum, FX_CHAR *pchReason, FX_ULONG ulCapOpt,
                               fx_XMsg *pReq, const FX_CHAR *pchCompany1, const FX_CHAR *pchCompany2,
                               const FX_CHAR *pchCompany3, FX_CHAR chOrgCode, fx_XMsg *pResp, FX_CHAR *pchAuthCode,
                               FX_CHAR *pchRetRefNum, FX_CHAR *pchAuthAgent, FX_CHAR *pchTransport);
/* Takes back what was sent under ulSeqNum: it is owed to the centre from here on, until it is acknowledged. */
FX_ULONG FX_SendSystemCancel_CN(FX_ULONG ulSessionId, FX_ULONG ulSeqNum);
/* What became of ulSeqNum: the code the function that sent it would return now. pResp may be NULL. [ours] */
FX_ULONG FX_GetResult(FX_ULONG ulSessionId, FX_ULONG ulSeqNum, fx_XMsg *pResp);

/* ---- the library -------------------------------------------------------------------------------------------- */

/* The FX_ABI the library was built with. [ours] */
FX_ULONG FX_AbiVersion(void);
/* The name of a return code, such as "RC_TIME_OUT"; "?" for no code of ours. Never NULL, never to be freed. [ours] */
const FX_CHAR *FX_RcName(FX_ULONG ulRc);

#ifdef __cplusplus
}
#endif
#endif
