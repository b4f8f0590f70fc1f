"""The tables of the journal, version by version. Each upgrade is run once, in order, inside one transaction."""

from __future__ import annotations

VERSION = 9

# The schema of version 1. Decimals are TEXT; times are Unix seconds; stamps are the exchange's milliseconds. A plan's
# `slippage` is NULL for orders with a price, a share for immediate ones, 'none' for the venue's own market type.
TABLES = """
CREATE TABLE plans (
    id TEXT PRIMARY KEY, created REAL NOT NULL, kind TEXT NOT NULL, slippage TEXT);
CREATE TABLE legs (
    id INTEGER PRIMARY KEY, plan_id TEXT NOT NULL REFERENCES plans(id), idx INTEGER NOT NULL,
    account_id TEXT NOT NULL, account TEXT NOT NULL, exchange TEXT NOT NULL, kind TEXT NOT NULL,
    symbol TEXT NOT NULL, native_symbol TEXT NOT NULL, market TEXT NOT NULL, side TEXT NOT NULL, type TEXT NOT NULL,
    time_in_force TEXT NOT NULL, post_only INTEGER NOT NULL, quantity TEXT NOT NULL, price TEXT, quote_quantity TEXT,
    value_usd TEXT NOT NULL, client_order_id TEXT NOT NULL UNIQUE, client_order_date TEXT NOT NULL,
    state TEXT NOT NULL, claim TEXT, claimed_at REAL, first_stamp_ms INTEGER, stamp_ms INTEGER, nonce INTEGER,
    exchange_order_id TEXT, status TEXT, filled TEXT, average_price TEXT, fee TEXT, fee_currency TEXT,
    error_http INTEGER, error_code TEXT, error_text TEXT, detail TEXT NOT NULL DEFAULT '',
    absent_rounds INTEGER NOT NULL DEFAULT 0, absent_at REAL, UNIQUE (plan_id, idx));
CREATE INDEX legs_by_state ON legs(state);
CREATE INDEX legs_by_claim ON legs(claimed_at);
CREATE TABLE events (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, plan_id TEXT, leg_id INTEGER, kind TEXT NOT NULL, detail TEXT NOT NULL);
CREATE INDEX events_by_plan ON events(plan_id);
CREATE TABLE nonces (key_hash TEXT PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE cooldowns (host TEXT PRIMARY KEY, until REAL NOT NULL);
CREATE TABLE permissions (account_id TEXT PRIMARY KEY, at REAL NOT NULL, withdraw INTEGER, detail TEXT NOT NULL);
CREATE TABLE halt (id INTEGER PRIMARY KEY CHECK (id = 1), at REAL NOT NULL, reason TEXT NOT NULL);
"""
# Offers of margin funding: what was asked for, whose it is, its claim, and what became of it. `known` are the ids of
# the offers that were open before, as JSON; `by` is the command; `rate` the delta of an offer that follows FRR.
OFFERS = """
CREATE TABLE offers (
    id INTEGER PRIMARY KEY, account_id TEXT NOT NULL, account TEXT NOT NULL, exchange TEXT NOT NULL, kind TEXT NOT NULL,
    exchange_account TEXT NOT NULL, currency TEXT NOT NULL, size TEXT NOT NULL, offer_kind TEXT NOT NULL,
    rate TEXT NOT NULL, days INTEGER NOT NULL, hidden INTEGER NOT NULL, value_usd TEXT NOT NULL, by TEXT NOT NULL,
    state TEXT NOT NULL, claim TEXT NOT NULL, claimed_at REAL NOT NULL, claim_number INTEGER, stamp_ms INTEGER NOT NULL,
    nonce INTEGER NOT NULL, known TEXT NOT NULL, exchange_offer_id TEXT, error_http INTEGER, error_code TEXT,
    error_text TEXT, catalogue_row TEXT, detail TEXT NOT NULL DEFAULT '', absent_rounds INTEGER NOT NULL DEFAULT 0,
    absent_at REAL);
CREATE INDEX offers_by_place ON offers(exchange_account, currency, state);
CREATE INDEX offers_by_claim ON offers(claimed_at);
"""
# What each later version adds; a new file goes through all of them, an older one through those that it lacks.
UPGRADES = {
    2: "CREATE TABLE vaults (id TEXT PRIMARY KEY, generation INTEGER NOT NULL);\n",
    3: """
CREATE TABLE egress (
    route TEXT NOT NULL, version INTEGER NOT NULL, address TEXT, seen_at REAL, source TEXT, verified TEXT,
    asked_at REAL, PRIMARY KEY (route, version));
CREATE TABLE whitelists (
    scope TEXT NOT NULL, owner TEXT NOT NULL, market TEXT NOT NULL, entries TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (scope, owner, market));
CREATE TABLE told_lists (account_id TEXT PRIMARY KEY, at REAL NOT NULL, restricted INTEGER, entries TEXT);
""",
    4: """
CREATE TABLE rotations (
    old_id TEXT PRIMARY KEY, new_id TEXT NOT NULL UNIQUE, label TEXT NOT NULL, step TEXT NOT NULL, at REAL NOT NULL,
    refused TEXT NOT NULL DEFAULT '');
""",
    # Perpetuals and orders that wait for a price.
    5: """
ALTER TABLE legs ADD COLUMN contract_size TEXT;
ALTER TABLE legs ADD COLUMN inverse INTEGER NOT NULL DEFAULT 0;
ALTER TABLE legs ADD COLUMN position TEXT;
ALTER TABLE legs ADD COLUMN hedge INTEGER NOT NULL DEFAULT 0;
ALTER TABLE legs ADD COLUMN reduce_only INTEGER NOT NULL DEFAULT 0;
ALTER TABLE legs ADD COLUMN leverage TEXT;
ALTER TABLE legs ADD COLUMN margin TEXT;
ALTER TABLE legs ADD COLUMN trigger_kind TEXT;
ALTER TABLE legs ADD COLUMN trigger_price TEXT;
ALTER TABLE legs ADD COLUMN expires_ms INTEGER;
ALTER TABLE legs ADD COLUMN exempt INTEGER NOT NULL DEFAULT 0;
""",
    # The exchange account behind a key, orders as they were asked for, the journal's own count of claims, who holds a
    # leverage, halts of one account or exchange, facts about the journal itself, and the content of vaults last seen.
    6: """
ALTER TABLE legs ADD COLUMN exchange_account TEXT NOT NULL DEFAULT '';
UPDATE legs SET exchange_account=account_id;
ALTER TABLE legs ADD COLUMN asked TEXT;
ALTER TABLE legs ADD COLUMN closes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE legs ADD COLUMN claim_number INTEGER;
ALTER TABLE legs ADD COLUMN window_seconds REAL;
ALTER TABLE legs ADD COLUMN catalogue_row TEXT;
CREATE INDEX legs_by_place ON legs(exchange_account, symbol, state);
CREATE TABLE exchange_accounts (account_id TEXT PRIMARY KEY, exchange_account TEXT NOT NULL, uid TEXT);
INSERT INTO exchange_accounts (account_id, exchange_account) SELECT old_id, old_id FROM rotations;
INSERT INTO exchange_accounts (account_id, exchange_account) SELECT new_id, old_id FROM rotations;
UPDATE legs SET exchange_account=(SELECT old_id FROM rotations WHERE new_id=account_id)
    WHERE account_id IN (SELECT new_id FROM rotations);
CREATE TABLE settings (
    exchange_account TEXT NOT NULL, symbol TEXT NOT NULL, value TEXT NOT NULL, number INTEGER NOT NULL,
    run TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (exchange_account, symbol));
CREATE TABLE halts (
    scope TEXT NOT NULL, owner TEXT NOT NULL, at REAL NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (scope, owner));
CREATE INDEX legs_open ON legs(id) WHERE state='accepted' AND (status IS NULL OR status IN ('open', 'forgotten'));
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
ALTER TABLE vaults ADD COLUMN content TEXT;
""",
    # The smaller size that an exchange made of an order that only reduces, and figures that cannot be, a line each;
    # orders that protect a position, to be canceled with it.
    7: """
ALTER TABLE legs ADD COLUMN taken_quantity TEXT;
ALTER TABLE legs ADD COLUMN odd TEXT;
ALTER TABLE legs ADD COLUMN protects INTEGER NOT NULL DEFAULT 0;
""",
    # The order API that took the leg; NULL in older legs, whose exchange chooses it again.
    8: "ALTER TABLE legs ADD COLUMN api TEXT;\n",
    9: OFFERS,
}
