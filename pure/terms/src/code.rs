use core::fmt;

/// What became of a request, as far as money is concerned. Only [`Outcome::Unknown`] owes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The host did it.
    Approved,
    /// The host said no; nothing was posted.
    Refused,
    /// The request may have arrived and nobody said what became of it.
    Unknown,
    /// It is proved that no byte of the request left us.
    NotSent,
}

impl Outcome {
    /// Its name, as configuration and JSON write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::NotSent => "not_sent",
        }
    }

    /// The outcome of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Approved, Self::Refused, Self::Unknown, Self::NotSent].into_iter().find(|o| o.name() == name)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! codes {
    ($($variant:ident $name:literal $outcome:ident $number:literal $meaning:literal;)*) => {
        /// What a response code means, whatever two or three characters a network writes for it. Dialects map
        /// their codes to these on reading and back on writing; the default [`Outcome`] of each may be
        /// overruled by a dialect, because the same code means different things on different networks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Code { $(#[doc = $meaning] $variant = $number,)* }

        impl Code {
            /// Every code, in the order of their numbers in the journal.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name, as dialect files, logs and JSON write it.
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name,)* } }

            /// What it says about the money when a host answers with it, unless the dialect says otherwise.
            pub const fn outcome(self) -> Outcome { match self { $(Self::$variant => Outcome::$outcome,)* } }

            /// What it means, in words for people.
            pub const fn meaning(self) -> &'static str { match self { $(Self::$variant => $meaning,)* } }
        }
    };
}

// The number is written into journals: never reuse one, never change one.
#[rustfmt::skip]
codes! {
    // variant               name                        outcome   no.  meaning
    Approved                 "approved"                  Approved   0   "Approved.";
    ApprovedPartly           "approved_partly"           Approved   1   "Approved for a smaller amount.";
    ApprovedDefective        "approved_defective"        Approved   2   "Approved, with something for a person to check.";
    ReferToIssuer            "refer_to_issuer"           Refused   10   "The issuer wants to be asked by voice.";
    InvalidMerchant          "invalid_merchant"          Refused   11   "The acceptor is not known there.";
    PickUpCard               "pick_up_card"              Refused   12   "Refused; retain the card.";
    DoNotHonour              "do_not_honour"             Refused   13   "Refused without a reason.";
    InvalidTransaction       "invalid_transaction"       Refused   14   "This transaction is not possible, or not with this original.";
    InvalidAmount            "invalid_amount"            Refused   15   "The amount is not possible.";
    InvalidCard              "invalid_card"              Refused   16   "No such card.";
    NoSuchIssuer             "no_such_issuer"            Refused   17   "No issuer of this card is known.";
    CustomerCancel           "customer_cancel"           Refused   18   "The customer stopped it.";
    SuspectedMalfunction     "suspected_malfunction"     Refused   19   "The other side suspects a malfunction, or it was reversed already.";
    NotFound                 "not_found"                 Refused   20   "The original or the record was not found.";
    FormatError              "format_error"              Refused   21   "The message is not well formed.";
    BadAcquirer              "bad_acquirer"              Refused   22   "The acquirer is not known there.";
    NotSupported             "not_supported"             Refused   23   "The function is not supported.";
    RestrictedCard           "restricted_card"           Refused   24   "The card is restricted.";
    SuspectedFraud           "suspected_fraud"           Refused   25   "Fraud is suspected.";
    PinTriesExceededPickUp   "pin_tries_exceeded_pick_up" Refused  26   "Too many wrong PINs; retain the card.";
    LostCard                 "lost_card"                 Refused   27   "The card was reported lost.";
    StolenCard               "stolen_card"               Refused   28   "The card was reported stolen.";
    InsufficientFunds        "insufficient_funds"        Refused   29   "Not enough money.";
    ExpiredCard              "expired_card"              Refused   30   "The card has expired.";
    WrongPin                 "wrong_pin"                 Refused   31   "The PIN is wrong.";
    NotPermittedToCard       "not_permitted_to_card"     Refused   32   "Not allowed with this card.";
    NotPermittedToTerminal   "not_permitted_to_terminal" Refused   33   "Not allowed at this terminal.";
    OverAmountLimit          "over_amount_limit"         Refused   34   "Over the amount limit.";
    OverCountLimit           "over_count_limit"          Refused   35   "Over the number of transactions allowed.";
    WrongMac                 "wrong_mac"                 Refused   36   "The message authentication code is wrong.";
    WrongOriginalAmount      "wrong_original_amount"     Refused   37   "The amount differs from the original's.";
    PinTriesExceeded         "pin_tries_exceeded"        Refused   38   "Too many wrong PINs.";
    WrongBusinessDate        "wrong_business_date"       Refused   39   "The business date is not acceptable.";
    NotAllowedOnDevice       "not_allowed_on_device"     Refused   40   "This device may not do that.";
    PinKeyOutOfStep          "pin_key_out_of_step"       Refused   41   "The PIN keys of the two sides differ.";
    MacKeyOutOfStep          "mac_key_out_of_step"       Refused   42   "The MAC keys of the two sides differ.";
    WrongPinBlock            "wrong_pin_block"           Refused   43   "The PIN block is not well formed.";
    UnknownTerminal          "unknown_terminal"          Refused   44   "No such terminal, or not on this line.";
    SecurityFailure          "security_failure"          Refused   45   "A security check failed.";
    NotSignedOn              "not_signed_on"             Refused   46   "The sender is not signed on.";
    CutoverInProgress        "cutover_in_progress"       Refused   50   "The business day is being changed; try again.";
    HostDown                 "host_down"                 Refused   51   "The host cannot be reached or does not operate.";
    NoRoute                  "no_route"                  Refused   52   "No way leads to an issuer of this card.";
    Duplicate                "duplicate"                 Refused   53   "The same identity was used for something else.";
    Malfunction              "malfunction"               Refused   54   "A system malfunctions.";
    Declined                 "declined"                  Refused   55   "The switch declined it itself.";
    Busy                     "busy"                      Refused   56   "Too much is under way; nothing was sent.";
    NoAnswer                 "no_answer"                 Unknown   60   "No answer came in time; what became of it is unknown.";
}

impl Code {
    /// The code of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }

    /// The code with that number in the journal.
    pub fn numbered(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| *code as u8 == number)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_by_its_name_and_by_its_number() {
        for &code in Code::ALL {
            assert_eq!(Code::named(code.name()), Some(code));
            assert_eq!(Code::numbered(code as u8), Some(code));
        }
    }
}
