"""A database with what is easily lost on the way, and what its owners do to it meanwhile."""

SCHEMA = """
create role cashier login password 'canary-cashier';
create database payments owner cashier;
\\c payments
set search_path = public;
create table citizen (id serial primary key, name text not null, born date, note bytea);
create table payment (id bigserial primary key, citizen int not null references citizen, amount numeric(12,2) not null,
  paid timestamptz not null default now(), tags text[], extra jsonb);
create table keyless (at timestamptz, what text);
create unlogged table cache (id int primary key, body text);
create table nothing (id int primary key);
create table parted (id int not null, day date not null, primary key (id, day)) partition by range (day);
create table parted_one partition of parted for values from ('2026-01-01') to ('2026-07-01');
create table parted_two partition of parted for values from ('2026-07-01') to ('2027-01-01');
create sequence never_used start 7;
create table letters (id int primary key, t text, r text, amount numeric);
insert into letters select i, 't', 'r', i from generate_series(1, 9) i;
create function maintenance() returns text language plpgsql set default_transaction_read_only to 'off' as $$
begin
  return 'SET default_transaction_read_only';
end $$;
create index on payment (paid);
insert into citizen (name, born, note) select 'Citizen ' || i, date '1980-01-01' + i, decode(md5(i::text), 'hex')
  from generate_series(1, 500) i;
insert into payment (citizen, amount, tags, extra) select 1 + i % 500, i * 1.25, array['a', i::text],
  jsonb_build_object('n', i) from generate_series(1, 5000) i;
insert into keyless select now(), 'row ' || i from generate_series(1, 50) i;
insert into cache select i, 'body' from generate_series(1, 20) i;
insert into parted select i, date '2026-01-01' + i from generate_series(1, 300) i;
create materialized view totals as select citizen, sum(amount) as total from payment group by citizen;
select lo_from_bytea(0, 'a large object');
grant select on all tables in schema public to cashier;
create unlogged table basket (id serial primary key, city varchar(9) check (city in ('Lahore', 'Karachi')));
create unlogged table item (id int primary key, basket int not null references basket, note text default 'fresh');
create function touched() returns trigger language plpgsql as $$ begin new.note := 'touched'; return new; end $$;
insert into basket (city) values ('Lahore'), ('Karachi');
insert into item values (1, 1, 'as it was'), (2, 2, 'as it was');
create trigger touch before insert on item for each row execute function touched();
create sequence by_hand;
alter sequence by_hand restart with 41;
create view rich with (security_barrier) as select id, amount from payment where amount > 100;
create role auditor nologin;
create role guest login;
revoke connect on database payments from public;
grant connect on database payments to cashier, guest;
alter database payments connection limit 17;
alter database payments set work_mem = '9MB';
alter role cashier in database payments set search_path = public, pg_catalog;
alter role guest set statement_timeout = '7s';
comment on database payments is 'fees of the ministry';
"""


MADE_HERE = """
create table public.made_here (id serial primary key, payment bigint references public.payment);
insert into public.made_here (payment) values (2);
create function public.made_here() returns int language sql as 'select 1';
"""

DRIFT = """
create or replace function public.touched() returns trigger language plpgsql as $$ begin return null; end $$;
create or replace view public.rich with (security_barrier) as select id, amount from public.payment where amount > 99;
alter table public.item disable trigger touch;
alter table public.payment alter column paid set default now() - interval '1 day';
grant update on public.citizen to auditor;
alter table public.letters owner to cashier;
alter table public.nothing enable row level security;
create policy few on public.citizen using (id < 9);
create table public.latecomer (id int primary key);
alter role cashier password 'another canary';
alter role guest createdb;
grant auditor to guest;
alter role guest set statement_timeout = '8s';
alter database payments set work_mem = '10MB';
revoke connect on database payments from guest;
"""
DRIFTED = {
    "column public.latecomer.id",
    "constraint public.latecomer.latecomer_pkey",
    "database setting work_mem",
    "default public.payment.paid",
    "function public.touched()",
    "index public.latecomer_pkey",
    "membership guest in auditor",
    "owner, flags and grants of public.citizen",
    "owner, flags and grants of public.latecomer",
    "owner, flags and grants of public.letters",
    "owner, flags and grants of public.nothing",
    "owner and grants of the database",
    "password of cashier",
    "policy public.citizen.few",
    "role guest",
    "setting of role guest statement_timeout",
    "table public.latecomer",
    "trigger public.item.touch",
    "view public.rich",
}
