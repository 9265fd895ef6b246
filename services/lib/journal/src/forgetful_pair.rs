//! What the tests of aggregates that forget stand on: one that lets go of its far past decides as one that remembers all of it,
//! or says that it needs its whole past.

use std::fmt::Debug;

use crate::aggregate::Aggregate;

/// Two of a kind with the same life. One remembers everything; the other lets go of its far past after every command, as it may
/// behind a [`Desk`](crate::Desk).
pub struct ForgetfulPair<A: Aggregate> {
    whole: A,
    forgetful: A,
}

impl<A: Aggregate> Default for ForgetfulPair<A> {
    fn default() -> Self {
        ForgetfulPair {
            whole: A::new(),
            forgetful: A::new(),
        }
    }
}

impl<A> ForgetfulPair<A>
where
    A: Aggregate,
    A::Command: Debug,
    A::Event: Debug + PartialEq,
    A::Rejection: Debug + PartialEq,
{
    /// Carries out a command on both. Whether it could be decided without what was let go of.
    ///
    /// # Panics
    /// When it could and was decided otherwise than with it.
    pub fn carry_out(&mut self, context: &A::Context, command: &A::Command) -> bool {
        let is_decided = self.decide_alike(context, command);
        for event in self.whole.decide(context, command).into_iter().flatten() {
            self.whole.evolve(&event);
            self.forgetful.evolve(&event);
        }
        self.forgetful.forget_old();
        is_decided
    }

    /// Asks both and carries nothing out. Whether it could be decided without what was let go of.
    ///
    /// # Panics
    /// When it could and was decided otherwise than with it.
    pub fn decide_alike(&self, context: &A::Context, command: &A::Command) -> bool {
        if self.forgetful.needs_forgotten(command) {
            return false;
        }
        let decided = self.forgetful.decide(context, command);
        let expected = self.whole.decide(context, command);
        assert!(
            decided == expected,
            "{command:?} is decided as {decided:?}, and as {expected:?} by one that remembers everything"
        );
        true
    }
}
