//! Catalogs: the attached stores, the session's own tables, and the tables that describe them all.
//!
//! DataFusion asks for catalogs and schemas without waiting and for tables with; so every lookup that may need a
//! store is put off to the table. That is also what keeps a store that is down from stopping the others.

mod home;
mod list;
mod remote;
mod system;
mod table;

pub(crate) use home::{HOME_CATALOG, HOME_SCHEMA, Home};
pub(crate) use list::{CatalogList, Catalogs};
pub(crate) use remote::RemoteCatalog;
pub(crate) use table::{RemoteTable, RemoteTables};
