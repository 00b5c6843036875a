//! What policies decide: a table of cases with the sentences of the AWS documentation, and the evaluator that ships against
//! a plain one that was written from that documentation.

mod agreement;
mod budget;
mod naive;
mod support;
mod table;
