//! Links and security modules.

use super::{Entry, NOTHING, entry};

#[rustfmt::skip]
pub(super) const ENTRIES: &[Entry] = &[
    entry("LNK2000", "The link refused the order.", NOTHING, "The reason stands beside the code; `sekisho link show NAME`."),
    entry("LNK2001", "No link is called so.", NOTHING, "`sekisho link ls`."),
    entry("LNK2002", "No connection stands.", "It dials, or waits to be dialled; business is declined.",
        "`sekisho link lines NAME` says why the last attempt failed. Look at the line and the peer's address."),
    entry("LNK2003", "This link has no sign-on.", NOTHING, "Nothing: it works without. `sekisho link drain` stops its business."),
    entry("LNK2004", "The dialect of this link has no such message.", "Nothing was sent.", "docs/dialects.md, [network]."),
    entry("LNK2005", "The link is not signed on.", NOTHING, "`sekisho link sign-on NAME` first."),
    entry("LNK2006", "An answer of the peer is awaited.", "One thing is asked at a time.",
        "`sekisho link watch NAME` shows the answer, or its time-out."),
    entry("LNK2007", "The link is drained by order.", "It begins nothing new.", "`sekisho link ready NAME`."),
    entry("LNK2008", "The link is in maintenance.", "Its business is declined.", "`sekisho link ready NAME`."),
    entry("LNK2009", "The link was not taken out of service.", NOTHING, "`sekisho link sign-on NAME`, where that is what is missing."),
    entry("LNK2010", "The link has no connection of that number.", NOTHING, "`sekisho link lines NAME`."),
    entry("LNK2011", "The day of the host is as far ahead of the calendar as it may be.", "The host was not asked, and the day stays.",
        "Wait for tomorrow: the next change would be refused, and the host would be on another day than we."),
    entry("LNK2012", "Another order came after this one, and stands.", "The link does what the last order says.",
        "`sekisho link show NAME` says who ordered what. Talk to each other."),
    entry("LNK2013", "The day of this host goes with the calendar.", "Nobody was asked, and the day stays.",
        "Nothing: it moves at midnight. `business_day = \"told\"` in [link.host] where the host moves it."),
    entry("LNK2020", "Applications have sessions open that this would cut off.", NOTHING,
        "`sekisho link sessions NAME` names them; `--force` signs off all the same."),
    entry("LNK2104", "The peer answered, and said no.",
        "The link stays as it was; what signs on by itself tries again after management.sign_on_retry_ms.",
        "Its code stands beside it (`sekisho explain rc CODE`). Compare institution numbers (management.says), call the peer."),
    entry("LNK2105", "The peer did not answer in time.", "What was asked for counts as not done; a sign-off leaves the link draining.",
        "`sekisho link echo NAME`; then the same again."),
    entry("LNK2106", "It did not come to an end in the time given.", "It goes on; nothing was taken back.",
        "`sekisho link watch NAME`, or a longer --timeout."),
    entry("LNK2107", "The connection was lost meanwhile.", "It is built anew.", "Wait for it: `sekisho wait link NAME --for connected`."),
    entry("HSM3001", "No security module is called so.", "Nothing was asked.", "`sekisho hsm ls`."),
];
