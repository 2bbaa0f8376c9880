//! Every word of the pages, in English and Welsh.

use tidings_graphql::{AccessLevel, Locale};

use crate::domain::Sector;

/// A text in both languages. `{name}` stands for what [`Text::with`] fills in.
#[derive(Clone, Copy, Debug)]
pub(in crate::link) struct Text {
    en: &'static str,
    cy: &'static str,
}

const fn text(en: &'static str, cy: &'static str) -> Text {
    Text { en, cy }
}

impl Text {
    /// The text in a language.
    pub(in crate::link) fn text(self, locale: Locale) -> String {
        match locale {
            Locale::EnGb => self.en.to_owned(),
            Locale::CyGb => self.cy.to_owned(),
        }
    }

    /// The text with a name filled in.
    pub(in crate::link) fn with(self, name: &'static str, value: &str) -> Filled {
        Filled { text: self, values: vec![(name, value.to_owned())] }
    }
}

/// A text with names filled in.
#[derive(Clone, Debug)]
pub(in crate::link) struct Filled {
    text: Text,
    values: Vec<(&'static str, String)>,
}

impl From<Text> for Filled {
    fn from(text: Text) -> Filled {
        Filled { text, values: Vec::new() }
    }
}

impl Filled {
    /// With one more name.
    pub(in crate::link) fn with(mut self, name: &'static str, value: &str) -> Filled {
        self.values.push((name, value.to_owned()));
        self
    }

    /// The text in a language. What is filled in is not looked at again.
    pub(in crate::link) fn text(&self, locale: Locale) -> String {
        let (template, mut filled) = (self.text.text(locale), String::new());
        let mut rest = template.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            let value = self.values.iter().find(|(own, _)| *own == name);
            filled.push_str(value.map_or("", |(_, value)| value.as_str()));
            rest = after;
        }
        filled.push_str(rest);
        filled
    }
}

// --- around every page ---
pub(in crate::link) const NAME: Text = text("Auth Link", "Auth Link");
pub(in crate::link) const SKIP: Text = text("Skip to the content", "Neidio i'r cynnwys");
pub(in crate::link) const LANGUAGE: Text = text("Language", "Iaith");
pub(in crate::link) const ERROR_TITLE: Text = text("Error", "Gwall");
pub(in crate::link) const PROBLEM: Text = text("There is a problem", "Mae problem");
pub(in crate::link) const CANCEL: Text =
    text("Cancel and go back to {application}", "Canslo a mynd yn ôl i {application}");
pub(in crate::link) const GO_ON: Text = text("Continue", "Parhau");
pub(in crate::link) const TRY_AGAIN: Text = text("Try again", "Rhoi cynnig arall arni");
pub(in crate::link) const OTHER_PROVIDER: Text =
    text("Choose another provider", "Dewis darparwr arall");

/// The place on the way.
pub(in crate::link) fn step(number: u8, of: u8) -> Filled {
    let template = text("Step {number} of {of}", "Cam {number} o {of}");
    template.with("number", &number.to_string()).with("of", &of.to_string())
}

// --- choosing a provider ---
pub(in crate::link) const CHOOSE_PROVIDER: Text =
    text("Choose your provider", "Dewiswch eich darparwr");
pub(in crate::link) const CHOOSE_INTRO: Text = text(
    "{application} asks to link an account that you hold. Whose customer are you?",
    "Mae {application} yn gofyn am gysylltu cyfrif sydd gennych. Cwsmer i bwy ydych chi?",
);
pub(in crate::link) const SEARCH: Text =
    text("Search for a provider by name", "Chwilio am ddarparwr yn ôl enw");
pub(in crate::link) const SEARCH_BUTTON: Text = text("Search", "Chwilio");
pub(in crate::link) const NONE_FOUND: Text = text(
    "No provider was found. Search for a part of its name, or leave the search empty.",
    "Ni chafwyd hyd i ddarparwr. Chwiliwch am ran o'i enw, neu gadewch y chwiliad yn wag.",
);
pub(in crate::link) const NONE_AT_ALL: Text = text(
    "There is no provider at present that {application} can link. Go back, and tell its makers.",
    "Nid oes darparwr ar hyn o bryd y gall {application} ei gysylltu. Ewch yn ôl, a rhowch wybod \
     i'w gwneuthurwyr.",
);
pub(in crate::link) const MORE_FOUND: Text = text(
    "There are more: search by name to see them.",
    "Mae rhagor: chwiliwch yn ôl enw i'w gweld.",
);
pub(in crate::link) const CHOOSE_ONE: Text = text(
    "This provider cannot be linked: choose one of the list",
    "Ni ellir cysylltu'r darparwr hwn: dewiswch un o'r rhestr",
);

/// What a provider supplies.
pub(in crate::link) fn sector(sector: Sector) -> Text {
    match sector {
        Sector::Energy => text("Energy", "Ynni"),
        Sector::Water => text("Water", "Dŵr"),
        Sector::Broadband => text("Broadband", "Band eang"),
        Sector::Mobile => text("Mobile", "Ffôn symudol"),
        Sector::Tv => text("Television", "Teledu"),
        Sector::Insurance => text("Insurance", "Yswiriant"),
        Sector::Other => text("Other", "Arall"),
    }
}

// --- signing in ---
pub(in crate::link) const SIGN_IN: Text =
    text("Your account with {provider}", "Eich cyfrif gyda {provider}");
pub(in crate::link) const SIGN_IN_TEXT: Text = text(
    "Type what you sign in with there. {application} does not see it.",
    "Teipiwch yr hyn rydych yn mewngofnodi ag ef yno. Nid yw {application} yn ei weld.",
);
pub(in crate::link) const FILL_IN: Text =
    text("Fill in this field: {field}", "Llenwch y maes hwn: {field}");
pub(in crate::link) const TOO_LONG: Text =
    text("This field is too long: {field}", "Mae'r maes hwn yn rhy hir: {field}");
pub(in crate::link) const OUT_OF_REACH: Text =
    text("The provider cannot be reached", "Ni ellir cyrraedd y darparwr");
pub(in crate::link) const OUT_OF_REACH_TEXT: Text = text(
    "The provider gives no answer at present. Nothing was linked. Try again in a few minutes.",
    "Nid yw'r darparwr yn ateb ar hyn o bryd. Ni chysylltwyd dim. Rhowch gynnig arall arni ymhen \
     ychydig funudau.",
);

// --- the consent ---
pub(in crate::link) const CONSENT: Text = text("Do you agree?", "Ydych chi'n cytuno?");
pub(in crate::link) const CONSENT_INTRO: Text = text(
    "{application} asks to see your account with {provider}.",
    "Mae {application} yn gofyn am weld eich cyfrif gyda {provider}.",
);
pub(in crate::link) const READ_ONLY: Text = text(
    "We sign in to {provider} for you, and only read. Nothing is changed, ordered or paid.",
    "Rydym yn mewngofnodi i {provider} ar eich rhan, ac yn darllen yn unig. Ni chaiff dim ei \
     newid, \
     ei archebu na'i dalu.",
);
pub(in crate::link) const MAY_READ: Text = text(
    "{application} may see your services, tariffs and balance there, for as long as you agree.",
    "Caiff {application} weld eich gwasanaethau, eich tariffau a'ch balans yno, cyhyd ag y byddwch \
     yn cytuno.",
);
pub(in crate::link) const MAY_DOWNLOAD: Text = text(
    "{application} may download your documents, such as bills.",
    "Caiff {application} lawrlwytho eich dogfennau, megis biliau.",
);
pub(in crate::link) const OFFLINE: Text = text(
    "{application} may come back for this while you are away, without asking you again.",
    "Caiff {application} ddod yn ôl am hyn pan fyddwch i ffwrdd, heb ofyn i chi eto.",
);
pub(in crate::link) const KEPT_SAFE: Text = text(
    "What you sign in with is kept encrypted. {application} never sees it.",
    "Cedwir yr hyn rydych yn mewngofnodi ag ef wedi'i amgryptio. Nid yw {application} byth yn ei \
     weld.",
);
pub(in crate::link) const WITHDRAW: Text = text(
    "You can change your mind at any time: tell {application}. What was read is deleted then.",
    "Gallwch newid eich meddwl unrhyw bryd: dywedwch wrth {application}. Caiff yr hyn a \
     ddarllenwyd \
     ei ddileu bryd hynny.",
);
pub(in crate::link) const HOW_FAR: Text =
    text("What is read at {provider}?", "Beth a ddarllenir gan {provider}?");
pub(in crate::link) const HOW_LONG: Text =
    text("How long do you agree for?", "Am ba hyd rydych yn cytuno?");
pub(in crate::link) const DAYS_90: Text = text("For 90 days", "Am 90 diwrnod");
pub(in crate::link) const YEAR: Text = text("For a year", "Am flwyddyn");
pub(in crate::link) const UNTIL_WITHDRAWN: Text =
    text("Until I change my mind", "Nes i mi newid fy meddwl");
pub(in crate::link) const AGREE: Text =
    text("I agree: link my account", "Cytuno: cysylltu fy nghyfrif");
pub(in crate::link) const CHOOSE_LEVEL: Text =
    text("Choose what is read", "Dewiswch beth a ddarllenir");
pub(in crate::link) const CHOOSE_HOW_LONG: Text =
    text("Choose how long you agree for", "Dewiswch am ba hyd rydych yn cytuno");

/// What a level is called, and what it means.
pub(in crate::link) fn level(level: AccessLevel) -> (Text, Text) {
    match level {
        AccessLevel::QuickCheck => (
            text("Quick Check", "Gwiriad Cyflym"),
            text(
                "Your present services and tariffs, once. No documents.",
                "Eich gwasanaethau a'ch tariffau presennol, unwaith. Dim dogfennau.",
            ),
        ),
        AccessLevel::FullCheck => (
            text("Full Check", "Gwiriad Llawn"),
            text(
                "Your services, your tariffs and all documents, such as bills, once.",
                "Eich gwasanaethau, eich tariffau a'r holl ddogfennau, megis biliau, unwaith.",
            ),
        ),
        AccessLevel::FullCheckOngoing => (
            text("Full Check and from then on", "Gwiriad Llawn ac o hynny ymlaen"),
            text(
                "The same, and again and again whatever is new.",
                "Yr un fath, a phopeth newydd dro ar ôl tro.",
            ),
        ),
    }
}

// --- the end ---
pub(in crate::link) const DONE: Text =
    text("Your account is linked", "Mae eich cyfrif wedi'i gysylltu");
pub(in crate::link) const DONE_TEXT: Text = text(
    "Your account with {provider} is linked. One step is left: go back to {application}.",
    "Mae eich cyfrif gyda {provider} wedi'i gysylltu. Mae un cam ar ôl: ewch yn ôl i \
     {application}.",
);
pub(in crate::link) const GO_BACK: Text =
    text("Go back to {application}", "Mynd yn ôl i {application}");

// --- what stops a user ---
pub(in crate::link) const CANNOT_BEGIN: Text =
    text("This link does not work", "Nid yw'r ddolen hon yn gweithio");
pub(in crate::link) const UNKNOWN_CLIENT: Text = text(
    "We do not know the application that sent you here: client_id is not the name of one. Nothing \
     was linked. Tell the application's makers.",
    "Nid ydym yn adnabod y rhaglen a'ch anfonodd yma: nid yw client_id yn enw ar un. Ni \
     chysylltwyd \
     dim. Rhowch wybod i wneuthurwyr y rhaglen.",
);
pub(in crate::link) const UNKNOWN_REDIRECT: Text = text(
    "The address to which you would be sent back is not one of the application's: redirect_uri \
     must be exactly one that it has registered. Nothing was linked. Tell the application's \
     makers.",
    "Nid yw'r cyfeiriad y byddech yn cael eich anfon yn ôl iddo yn un o rai'r rhaglen: rhaid i \
     redirect_uri fod yn union un y mae wedi'i gofrestru. Ni chysylltwyd dim. Rhowch wybod i \
     wneuthurwyr y rhaglen.",
);
pub(in crate::link) const AMBIGUOUS: Text = text(
    "The application's request says something twice. Nothing was linked. Tell its makers.",
    "Mae cais y rhaglen yn dweud rhywbeth ddwywaith. Ni chysylltwyd dim. Rhowch wybod i'w \
     gwneuthurwyr.",
);
pub(in crate::link) const SESSION_OVER: Text =
    text("This page is no longer valid", "Nid yw'r dudalen hon yn ddilys mwyach");
pub(in crate::link) const SESSION_OVER_TEXT: Text = text(
    "It is over half an hour old, or it has been finished or cancelled. Go back to the application \
     and begin again. The pages need cookies.",
    "Mae dros hanner awr oed, neu mae wedi'i gorffen neu ei chanslo. Ewch yn ôl i'r rhaglen a \
     dechrau eto. Mae angen cwcis ar y tudalennau.",
);
pub(in crate::link) const NOT_OURS: Text =
    text("This form was not sent from our page", "Nid o'n tudalen ni yr anfonwyd y ffurflen hon");
pub(in crate::link) const NOT_OURS_TEXT: Text = text(
    "Nothing was done. If you have begun twice, go on where you began last; else go back to the \
     application and begin again. These pages are at {origin}: if your browser shows another \
     address, ask the application's makers to begin there.",
    "Ni wnaed dim. Os ydych wedi dechrau ddwywaith, ewch ymlaen lle y dechreuoch ddiwethaf; fel \
     arall ewch yn ôl i'r rhaglen a dechrau eto. Mae'r tudalennau hyn yn {origin}: os yw eich \
     porwr yn dangos cyfeiriad arall, gofynnwch i wneuthurwyr y rhaglen ddechrau yno.",
);
pub(in crate::link) const BROKEN: Text =
    text("The form could not be read", "Ni ellid darllen y ffurflen");
pub(in crate::link) const BROKEN_TEXT: Text = text(
    "It did not arrive whole. Go back a page and send it again.",
    "Ni chyrhaeddodd yn gyfan. Ewch yn ôl dudalen a'i hanfon eto.",
);
pub(in crate::link) const TOO_MANY: Text = text("Too many tries", "Gormod o gynigion");
pub(in crate::link) const TOO_MANY_TEXT: Text = text(
    "Wait a few minutes, then go back a page and try again.",
    "Arhoswch ychydig funudau, yna ewch yn ôl dudalen a rhoi cynnig arall arni.",
);
pub(in crate::link) const TOO_MANY_CHECKS: Text = text(
    "What you sign in with was wrong too often. Nothing was linked. Find out what is right, then \
     go back to the application and begin again.",
    "Roedd yr hyn rydych yn mewngofnodi ag ef yn anghywir yn rhy aml. Ni chysylltwyd dim. \
     Holwch beth \
     sy'n gywir, yna ewch yn ôl i'r rhaglen a dechrau eto.",
);
pub(in crate::link) const UNAVAILABLE: Text =
    text("This does not work at present", "Nid yw hyn yn gweithio ar hyn o bryd");
pub(in crate::link) const UNAVAILABLE_TEXT: Text = text(
    "Wait a moment, then load the page again.",
    "Arhoswch funud, yna llwythwch y dudalen eto.",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_is_not_filled_again() {
        let template = text("{a} and {b}.", "{b} a {a}.");
        let filled = template.with("a", "{b}").with("b", "<i>");
        assert_eq!(filled.text(Locale::EnGb), "{b} and <i>.");
        assert_eq!(filled.text(Locale::CyGb), "<i> a {b}.");
    }
}
