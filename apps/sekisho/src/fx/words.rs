//! What the old tools say: a lettered number that never changes, and a line in the reader's language.

use std::fmt::Write;

/// A language of the tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    /// English.
    En,
    /// Japanese.
    Ja,
    /// Chinese.
    Zh,
}

impl Language {
    /// The one the environment asks for; English where it asks for none of ours.
    pub(crate) fn of_environment() -> Self {
        let named = ["SEKISHO_LANG", "LC_ALL", "LC_MESSAGES", "LANG"];
        let locale = named.into_iter().filter_map(|name| std::env::var(name).ok()).find(|it| !it.is_empty());
        Self::of_locale(locale.as_deref().unwrap_or_default())
    }

    fn of_locale(locale: &str) -> Self {
        match locale.get(..2) {
            Some("ja") => Self::Ja,
            Some("zh") => Self::Zh,
            _ => Self::En,
        }
    }
}

/// Something a tool may say.
#[derive(Debug)]
pub(crate) struct Message {
    /// I: information, W: something to look at, E: it was not done.
    pub(crate) code: &'static str,
    en: &'static str,
    ja: &'static str,
    zh: &'static str,
}

impl Message {
    /// In one line: the code, then the words with the blanks filled in.
    pub(crate) fn line(&self, language: Language, blanks: &[(&str, &str)]) -> String {
        let text = match language {
            Language::En => self.en,
            Language::Ja => self.ja,
            Language::Zh => self.zh,
        };
        let mut line = String::with_capacity(text.len() + 32);
        write!(line, "{} {text}", self.code).expect("a string takes everything");
        for (name, value) in blanks {
            line = line.replace(&format!("{{{name}}}"), value);
        }
        line
    }
}

macro_rules! messages {
    ($($name:ident = $code:literal { $en:literal $ja:literal $zh:literal })*) => {
        $(pub(crate) const $name: Message = Message { code: $code, en: $en, ja: $ja, zh: $zh };)*

        /// All of them.
        #[cfg(test)]
        const ALL: &[Message] = &[$($name),*];
    };
}

#[rustfmt::skip]
messages! {
    SIGN_ON_SENT = "I101" {
        "Sign-on request sent. ({link})"
        "サインオン要求を送信しました。 ({link})"
        "已发送签到请求。({link})" }
    SIGNED_ON = "I102" {
        "Signed on. {ms}ms  cut date {day}"
        "サインオンしました。 {ms}ms  カット対象日付 {day}"
        "签到成功。{ms}ms  日切日期 {day}" }
    SIGNED_ON_ALREADY = "I103" {
        "Signed on already. Cut date {day}"
        "すでにサインオンしています。 カット対象日付 {day}"
        "已处于签到状态。日切日期 {day}" }
    SIGN_OFF_SENT = "I111" {
        "Sign-off request sent. ({link})"
        "サインオフ要求を送信しました。 ({link})"
        "已发送签退请求。({link})" }
    SIGNED_OFF = "I112" {
        "Signed off. {ms}ms"
        "サインオフしました。 {ms}ms"
        "签退成功。{ms}ms" }
    SIGNED_OFF_ALREADY = "I113" {
        "Signed off already."
        "すでにサインオフしています。"
        "已处于签退状态。" }
    CUTOVER_ASKED = "I121" {
        "The centre accepted the wish for cutover; the cutover itself is the centre's to send. Cut date {day}"
        "カットオーバー依頼が受け付けられました。カットオーバーはセンターから行われます。 カット対象日付 {day}"
        "中心已接受日切申请；日切由中心发起。日切日期 {day}" }
    CUT_OVER = "I122" {
        "Cut over. Cut date {day}"
        "カットオーバーしました。 カット対象日付 {day}"
        "日切完成。日切日期 {day}" }
    CANCEL_TAKEN = "I131" {
        "System cancel of sequence number {seq} is on its way. (message {id})"
        "通番 {seq} のシステム取消を開始しました。 (電文 {id})"
        "流水号 {seq} 的系统冲正已开始。(报文 {id})" }
    CANCEL_NOT_NEEDED = "I132" {
        "Sequence number {seq} needs no cancel: {said}"
        "通番 {seq} の取消は不要です: {said}"
        "流水号 {seq} 无需冲正：{said}" }
    STARTING = "I201" {
        "Daemon starts. ({file})"
        "デーモンを起動します。 ({file})"
        "守护进程启动。({file})" }
    STOPPED = "I202" {
        "Daemon stopped."
        "デーモンを停止しました。"
        "守护进程已停止。" }
    STOPPED_BY_FORCE = "I203" {
        "Daemon stopped by force. The next start needs recovery."
        "デーモンを強制停止しました。次回起動時はリカバリが必要です。"
        "守护进程已强制停止。下次启动需要恢复处理。" }
    RECOVERED = "I211" {
        "Recovery done: {count} requests were in flight, every host was told."
        "リカバリが完了しました。仕掛中電文 {count} 件"
        "恢复处理完成：在途请求 {count} 笔。" }
    RECOVERY_NOT_NEEDED = "I212" {
        "Recovery is not needed: the last stop was in order."
        "リカバリは不要です。前回は正常終了しています。"
        "无需恢复处理：上次为正常停止。" }
    SET_ON = "I221" {
        "Daemon state set: business passes. ({link})"
        "デーモンの状態をサインオンに設定しました。 ({link})"
        "守护进程状态已设为签到。({link})" }
    SET_OFF = "I222" {
        "Daemon state set: no new business. ({link})"
        "デーモンの状態をサインオフに設定しました。 ({link})"
        "守护进程状态已设为签退。({link})" }
    PURGED = "I231" {
        "Session {number} closed; it is built anew."
        "セッション {number} を切断しました。再接続します。"
        "会话 {number} 已断开，将重新建立。" }
    NEEDS_RECOVERY = "W211" {
        "The last stop was not in order: {count} requests were in flight. Sign on, then: fxctrl_cn recovery"
        "前回は正常終了していません。仕掛中電文 {count} 件。サインオン後に fxctrl_cn recovery を実行してください。"
        "上次非正常停止：在途请求 {count} 笔。请签到后执行 fxctrl_cn recovery。" }
    NOT_RUNNING = "E101" {
        "No daemon runs."
        "デーモンが起動していません。"
        "守护进程未启动。" }
    RUNNING_ALREADY = "E102" {
        "A daemon runs already."
        "デーモンはすでに起動しています。"
        "守护进程已在运行。" }
    CENTRE_REFUSED = "E103" {
        "The centre refused."
        "センターに拒否されました。"
        "中心拒绝。" }
    NO_ANSWER = "E104" {
        "The centre did not answer in time."
        "センターから応答がありません。"
        "中心未在时限内应答。" }
    NO_LINES = "E105" {
        "No connection with the centre."
        "センターとの回線が接続されていません。"
        "与中心之间没有连接。" }
    NOT_SIGNED_ON = "E106" {
        "Not signed on."
        "サインオンしていません。"
        "未签到。" }
    SWITCHING = "E107" {
        "The state is changing; an answer of the centre is awaited."
        "状態の切替中です。センターの応答を待っています。"
        "状态正在切换，等待中心应答。" }
    OUT_OF_SERVICE = "E108" {
        "Taken out of service by an order."
        "運用者の指示により停止中です。"
        "已按操作员指令停用。" }
    NOT_SPOKEN = "E109" {
        "This link has no such message."
        "このリンクには該当する電文がありません。"
        "此链路没有该报文。" }
    DAY_IS_AHEAD = "E111" {
        "The cut date is tomorrow's already; the next one is not asked for."
        "カット対象日付は既に翌日です。次のカットオーバーは依頼できません。"
        "清算日期已是次日，不能再请求日切。" }
    LINE_LOST = "E110" {
        "The connection was lost meanwhile."
        "処理中に回線が切断されました。"
        "处理过程中连接中断。" }
    APPLICATIONS = "E120" {
        "Applications hold sessions."
        "アプリケーションが使用中です。"
        "应用程序正在使用会话。" }
    NOT_SIGNED_OFF = "E121" {
        "Not signed off."
        "サインオフしていません。"
        "尚未签退。" }
    NOT_IN_JOURNAL = "E131" {
        "No message with sequence number {seq} in the journal."
        "ジャーナルに通番 {seq} の電文がありません。"
        "日志中没有流水号为 {seq} 的报文。" }
    CANNOT_CANCEL = "E132" {
        "Sequence number {seq} cannot be cancelled: {said}"
        "通番 {seq} は取消できません: {said}"
        "流水号 {seq} 不能冲正：{said}" }
    RECOVERY_NOT_DONE = "E141" {
        "Recovery is not done: {count} messages are left."
        "リカバリが完了していません。残り {count} 件"
        "恢复处理未完成：剩余 {count} 笔。" }
    JOURNAL_SHUT = "E142" {
        "The journal cannot be read."
        "ジャーナルをオープンできません。"
        "无法打开日志。" }
    NO_SUCH_SESSION = "E151" {
        "No session has the number {number}."
        "セッション {number} はありません。"
        "没有编号为 {number} 的会话。" }
    NOT_KNOWN = "E190" {
        "Not known whether it was done."
        "処理結果が不明です。"
        "处理结果不明。" }
    NO_CONFIGURATION = "E191" {
        "The configuration cannot be used."
        "設定ファイルを使用できません。"
        "配置文件不可用。" }
    DAEMON_FAILED = "E192" {
        "The daemon ended with an error."
        "デーモンが異常終了しました。"
        "守护进程异常结束。" }
    NOT_NEEDED = "I232" {
        "{name} is not needed here; nothing was changed."
        "{name} は不要です。何も変更していません。"
        "此处不需要 {name}；未作任何更改。" }
    KEY_REFUSED = "E161" {
        "A key is not taken from the command line: it stays in the shell's history. Nothing was changed."
        "コマンドラインの鍵は受け付けません（履歴に残ります）。何も変更していません。"
        "不接受命令行中的密钥（会留在历史记录中）。未作任何更改。" }
    KEYS_SHUT = "E162" {
        "The keys cannot be shown."
        "鍵を表示できません。"
        "无法显示密钥。" }
    NO_SUCH_WORD = "E199" {
        "These words make no sense."
        "パラメータに誤りがあります。"
        "参数错误。" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn blanks(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
    }

    #[test]
    fn every_message_has_three_languages_one_code_and_the_same_blanks() {
        let mut codes = BTreeSet::new();
        for message in ALL {
            let Message { code, en, ja, zh } = message;
            let (letter, number) = code.split_at(1);
            assert!(["I", "W", "E"].contains(&letter) && number.len() == 3, "{code}");
            assert!(number.bytes().all(|byte| byte.is_ascii_digit()) && codes.insert(*code), "{code} twice");
            assert!(en.is_ascii() && !en.is_empty(), "{code} is no English");
            assert!(!ja.is_ascii() && !zh.is_ascii() && ja != zh, "{code} is not translated");
            assert!(ja.chars().any(|c| ('\u{3040}'..'\u{3100}').contains(&c)), "{code} has no kana");
            assert!(!zh.chars().any(|c| ('\u{3040}'..'\u{3100}').contains(&c)), "{code} has kana");
            assert_eq!(blanks(en), blanks(ja), "{code}");
            assert_eq!(blanks(en), blanks(zh), "{code}");
        }
    }

    #[test]
    fn the_code_stays_and_the_words_follow_the_locale() {
        for (locale, said) in [
            ("ja_JP.UTF-8", "I112 サインオフしました。 7ms"),
            ("zh_CN.GB18030", "I112 签退成功。7ms"),
            ("C.UTF-8", "I112 Signed off. 7ms"),
            ("", "I112 Signed off. 7ms"),
            ("日本", "I112 Signed off. 7ms"),
        ] {
            assert_eq!(SIGNED_OFF.line(Language::of_locale(locale), &[("ms", "7")]), said, "{locale}");
        }
    }
}
