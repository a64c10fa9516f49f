//! The rules of the house, checked against the house.
