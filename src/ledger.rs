//! What is owed, tried and done; suppressions.
//!
//! In: a frozen issue and the people who are owed it, then begins and ends of attempts. Out: claims, tallies, histories.
//! Never: sends, composes, or keeps a transaction open while the network is in use. It is the only room with SQL.
