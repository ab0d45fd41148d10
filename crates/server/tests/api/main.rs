//! The admin API and the server around it, over real sockets on loopback.

mod harness;
mod access;
mod budgets;
mod calls;
mod doctor;
mod lifecycle;
mod reload;
mod routes;
mod things;
