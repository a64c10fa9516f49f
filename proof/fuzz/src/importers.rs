//! Descriptions of others: read or refused, and what is read makes a dialect that loads.

use dialects::{Dialect, ImportError, Imported, import_jpos, import_moov};

/// The same text to both importers.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    imported(import_jpos(&text));
    imported(import_moov(&text));
}

fn imported(imported: Result<Imported, ImportError>) {
    match imported {
        Ok(Imported { toml, .. }) => {
            if let Err(findings) = Dialect::load(&toml) {
                panic!("what was imported does not load: {findings:?}");
            }
        }
        Err(error @ ImportError::Unloadable { .. }) => panic!("{error}"),
        Err(error) => drop(error.to_string()),
    }
}

/// One description of each sort.
pub fn seeds() -> Vec<Vec<u8>> {
    [JPOS, MOOV].iter().map(|text| text.as_bytes().to_vec()).collect()
}

const JPOS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<isopackager>
  <isofield id="0" length="4" name="TYPE" class="org.jpos.iso.IFA_NUMERIC"/>
  <isofield id="1" length="16" name="BITMAP" class="org.jpos.iso.IFA_BITMAP"/>
  <isofield id="2" length="19" name="PAN" class="org.jpos.iso.IFA_LLNUM"/>
  <isofield id="3" length="6" name="CODE" class="org.jpos.iso.IFA_NUMERIC"/>
  <isofield id="4" length="12" name="AMOUNT" class="org.jpos.iso.IFA_NUMERIC"/>
  <isofield id="11" length="6" name="TRACE" class="org.jpos.iso.IFB_NUMERIC"/>
  <isofield id="35" length="37" name="TRACK" class="org.jpos.iso.IFA_LLCHAR"/>
  <isofield id="41" length="8" name="TERMINAL" class="org.jpos.iso.IFE_CHAR"/>
  <isofieldpackager id="48" length="999" name="MORE" class="org.jpos.iso.IFA_LLLCHAR"
      packager="org.jpos.iso.packager.GenericSubFieldPackager">
    <isofield id="1" length="2" name="A" class="org.jpos.iso.IFA_NUMERIC"/>
    <isofield id="2" length="9" name="B" class="org.jpos.iso.IF_CHAR"/>
  </isofieldpackager>
  <isofield id="52" length="8" name="PIN" class="org.jpos.iso.IFB_BINARY"/>
  <isofield id="64" length="8" name="MAC" class="org.jpos.iso.IFA_BINARY"/>
</isopackager>
"#;

const MOOV: &str = r#"{"name":"ours","fields":{
  "0":{"type":"String","length":4,"description":"type","enc":"ASCII","prefix":"ASCII.Fixed"},
  "1":{"type":"Bitmap","length":8,"description":"bitmap","enc":"HexToASCII","prefix":"Hex.Fixed"},
  "2":{"type":"String","length":19,"description":"card","enc":"ASCII","prefix":"ASCII.LL"},
  "3":{"type":"Numeric","length":6,"description":"code","enc":"BCD","prefix":"BCD.Fixed","padding":{"type":"Left","pad":"0"}},
  "4":{"type":"String","length":12,"enc":"ASCII","prefix":"ASCII.Fixed"},
  "11":{"type":"String","length":6,"enc":"ASCII","prefix":"ASCII.Fixed"},
  "41":{"type":"String","length":8,"enc":"EBCDIC","prefix":"EBCDIC.Fixed"},
  "52":{"type":"Binary","length":8,"enc":"Binary","prefix":"Binary.Fixed"},
  "55":{"type":"Composite","length":255,"prefix":"ASCII.LLL","tag":{"enc":"BerTLVTag","sort":"StringsByHex"},
        "subfields":{"9A":{"type":"String","length":3,"enc":"Binary","prefix":"BerTLV"}}}
}}
"#;
