//! Who a screen is for, and what it shows around the park.

use crate::words::Word;

/// Who looks at a screen: decides what may be done and how much is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// A desk: everything, and commands.
    #[default]
    Operator,
    /// A control-room wall: everything, no commands.
    Wall,
    /// The public: no alarms, no names of people, no commands.
    Visitors,
}

impl Audience {
    /// Each of them.
    pub const ALL: [Audience; 3] = [Audience::Operator, Audience::Wall, Audience::Visitors];

    /// As it is written in files and on the command line.
    pub fn token(self) -> &'static str {
        match self {
            Audience::Operator => "operator",
            Audience::Wall => "wall",
            Audience::Visitors => "visitors",
        }
    }

    /// By its token.
    pub fn from_token(token: &str) -> Option<Audience> {
        Audience::ALL
            .into_iter()
            .find(|audience| audience.token() == token)
    }

    /// Whether commands to the park may be given from this screen.
    pub fn may_command(self) -> bool {
        self == Audience::Operator
    }

    /// Whether alarms and their people are told.
    pub fn sees_alarms(self) -> bool {
        self != Audience::Visitors
    }
}

/// What stands around the park or in its place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Page {
    /// All panels of the operator.
    #[default]
    Desk,
    /// The park with its title and the overlay's legend.
    Park,
    /// The carbon ledger in large.
    Ledger,
    /// What visitors want to know.
    Visitors,
}

impl Page {
    /// Each of them.
    pub const ALL: [Page; 4] = [Page::Desk, Page::Park, Page::Ledger, Page::Visitors];

    /// As it is written in files.
    pub fn token(self) -> &'static str {
        match self {
            Page::Desk => "desk",
            Page::Park => "park",
            Page::Ledger => "ledger",
            Page::Visitors => "visitors",
        }
    }

    /// By its token.
    pub fn from_token(token: &str) -> Option<Page> {
        Page::ALL.into_iter().find(|page| page.token() == token)
    }

    /// Its name.
    pub fn title(self) -> Word {
        match self {
            Page::Desk => Word::PageDesk,
            Page::Park => Word::PagePark,
            Page::Ledger => Word::CarbonLedger,
            Page::Visitors => Word::PageVisitors,
        }
    }

    /// The page that an audience sees where this one is asked for: visitors see no desk and no ledger of the operator's.
    pub fn for_audience(self, audience: Audience) -> Page {
        match (audience, self) {
            (Audience::Visitors, Page::Desk | Page::Ledger) => Page::Visitors,
            _ => self,
        }
    }
}
