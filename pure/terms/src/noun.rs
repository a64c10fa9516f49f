use core::fmt;

macro_rules! named {
    ($(#[$doc:meta])* $type:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal, $name:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $type { $($(#[$vdoc])* $variant = $number,)* }

        impl $type {
            /// Every one, in the order of their numbers in the journal.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name, as dialect files, logs and JSON write it.
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name,)* } }

            /// The one of that name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }

            /// The one with that number in the journal.
            pub fn numbered(number: u8) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| *one as u8 == number)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.name()) }
        }
    };
}

named! {
    /// What a customer (or a till) wants done, whatever processing code a network writes for it.
    Kind {
        /// Goods, services, and every request and response that nothing below names.
        Purchase = 0, "purchase";
        /// Cash out.
        Withdrawal = 1, "withdrawal";
        /// Cash in.
        Deposit = 2, "deposit";
        /// From one account to another.
        Transfer = 3, "transfer";
        /// What is on the account?
        BalanceInquiry = 4, "balance_inquiry";
        /// A new PIN.
        PinChange = 5, "pin_change";
        /// Is the card good?
        CardStatus = 6, "card_status";
        /// Make the card good.
        CardActivation = 7, "card_activation";
        /// The last transactions of the card.
        History = 8, "history";
        /// What is owed on a bill?
        BillInquiry = 9, "bill_inquiry";
        /// Pay a bill.
        BillPayment = 10, "bill_payment";
        /// Give the money back to a card.
        Refund = 11, "refund";
        /// The transfer's first half: take it from the paying account.
        TransferOut = 12, "transfer_out";
        /// The transfer's second half: put it on the receiving account.
        TransferIn = 13, "transfer_in";
        /// Which kind of card is this?
        CardType = 14, "card_type";
    }
}

impl Kind {
    /// Whether doing it twice, or half, would cost somebody money: it is then durable before it is sent.
    pub const fn moves_money(self) -> bool {
        match self {
            Self::Purchase
            | Self::Withdrawal
            | Self::Deposit
            | Self::Transfer
            | Self::BillPayment
            | Self::Refund
            | Self::TransferOut
            | Self::TransferIn => true,
            // Not money, but an unknown end must be told to the customer, so it is remembered the same way.
            Self::PinChange | Self::CardActivation => true,
            Self::BalanceInquiry | Self::CardStatus | Self::History | Self::BillInquiry | Self::CardType => {
                false
            }
        }
    }
}

named! {
    /// What a network management message is about.
    Network {
        /// Not a management message, or one whose code the dialect does not name.
        Other = 0, "other";
        /// Open the link for business.
        SignOn = 1, "sign_on";
        /// Close it.
        SignOff = 2, "sign_off";
        /// Are you there?
        Echo = 3, "echo";
        /// New keys.
        KeyExchange = 4, "key_exchange";
        /// The business day changes (one message), or begins to.
        Cutover = 5, "cutover";
        /// The business day has changed.
        CutoverEnd = 6, "cutover_end";
        /// A new key that carries keys, for a terminal.
        MasterKey = 7, "master_key";
    }
}

named! {
    /// A thing a message says that the switch does not decide on: it is carried from one dialect to another
    /// under this name. Text nouns travel as ASCII, binary ones as their bytes.
    Noun {
        /// Amount in the currency of settlement.
        SettlementAmount = 1, "settlement_amount";
        /// Amount in the currency of the card.
        BillingAmount = 2, "billing_amount";
        /// Rate to the currency of settlement.
        SettlementRate = 3, "settlement_rate";
        /// Rate to the currency of the card.
        BillingRate = 4, "billing_rate";
        /// Expiry of the card, `YYMM`.
        Expiry = 5, "expiry";
        /// Date of capture, as the dialect writes it.
        CaptureDate = 6, "capture_date";
        /// Date of conversion.
        ConversionDate = 7, "conversion_date";
        /// Merchant category.
        MerchantType = 8, "merchant_type";
        /// Country of the acquirer.
        AcquirerCountry = 9, "acquirer_country";
        /// How the card was read (1987).
        EntryMode = 10, "entry_mode";
        /// Point of service data (1993).
        PosData = 11, "pos_data";
        /// Which of several cards of one number.
        CardSequence = 12, "card_sequence";
        /// Condition at the point of service.
        ConditionCode = 13, "condition_code";
        /// Most digits a PIN may have there.
        PinCapture = 14, "pin_capture";
        /// Fee, sign and amount.
        Fee = 15, "fee";
        /// Institution that forwards.
        ForwarderId = 16, "forwarder_id";
        /// Magnetic stripe, track 2. Secret.
        Track2 = 17, "track2";
        /// Magnetic stripe, track 3. Secret.
        Track3 = 18, "track3";
        /// Magnetic stripe, track 1. Secret.
        Track1 = 19, "track1";
        /// Service code of the card.
        ServiceCode = 20, "service_code";
        /// The acceptor's identity.
        AcceptorId = 21, "acceptor_id";
        /// The acceptor's name and place.
        AcceptorName = 22, "acceptor_name";
        /// Additional response data.
        AdditionalResponse = 23, "additional_response";
        /// Additional data, ISO use.
        AdditionalIso = 24, "additional_iso";
        /// Additional data, national use.
        AdditionalNational = 25, "additional_national";
        /// Additional data, private use.
        AdditionalPrivate = 26, "additional_private";
        /// Currency of settlement.
        SettlementCurrency = 27, "settlement_currency";
        /// Currency of the card.
        BillingCurrency = 28, "billing_currency";
        /// The enciphered PIN. Secret.
        PinBlock = 29, "pin_block";
        /// Which keys and methods were used.
        SecurityInfo = 30, "security_info";
        /// Balances and other amounts.
        AdditionalAmounts = 31, "additional_amounts";
        /// Chip data, BER-TLV.
        IccData = 32, "icc_data";
        /// What identifies the original of a reversal or advice.
        OriginalData = 33, "original_data";
        /// What remains valid after a partial reversal.
        ReplacementAmounts = 34, "replacement_amounts";
        /// First account.
        Account1 = 35, "account_1";
        /// Second account.
        Account2 = 36, "account_2";
        /// The enciphered new PIN. Secret.
        NewPinBlock = 37, "new_pin_block";
        /// Function code (1993).
        FunctionCode = 38, "function_code";
        /// Reason of the message (1993).
        ReasonCode = 39, "reason_code";
        /// Institution that receives.
        ReceiverId = 40, "receiver_id";
        /// The message's own authentication code. Never passed from one party to another. Secret.
        Mac = 41, "mac";
        /// Network international identifier.
        NetworkId = 42, "network_id";
        /// Amount originally asked for.
        OriginalAmount = 43, "original_amount";
        /// Length of the approval code.
        ApprovalLength = 44, "approval_length";
        /// Payee.
        Payee = 45, "payee";
        /// Transport data.
        TransportData = 46, "transport_data";
        /// Centre a message is for (1993).
        DestinationId = 47, "destination_id";
        /// Centre a message comes from (1993).
        OriginatorId = 48, "originator_id";
        /// Keys under a transport key (1993: key management data; 1987: a code of eight bytes).
        KeyData = 49, "key_data";
        /// Reserved element 60, for private or national use: passed on where both sides name it.
        Reserved60 = 60, "reserved_60";
        /// Reserved element 61.
        Reserved61 = 61, "reserved_61";
        /// Reserved element 62.
        Reserved62 = 62, "reserved_62";
        /// Reserved element 63.
        Reserved63 = 63, "reserved_63";
        /// Reserved element 57.
        Reserved57 = 57, "reserved_57";
        /// Reserved element 58.
        Reserved58 = 58, "reserved_58";
        /// Reserved element 59.
        Reserved59 = 59, "reserved_59";
        /// Message header fields that must come back as they went.
        Header = 70, "header";
    }
}

impl Noun {
    /// Whether nobody may see it.
    pub const fn is_secret(self) -> bool {
        matches!(
            self,
            Self::Track1 | Self::Track2 | Self::Track3 | Self::PinBlock | Self::NewPinBlock | Self::Mac
        )
    }
}
