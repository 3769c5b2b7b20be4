-- What an administrator runs once on a server, where the account that exports may not
-- make roles: psql -d customers -v exporter=exporter -v database=customers -f roles.sql
--
--   analyst     may read marts and meta
--   reporting   may read marts, and of meta which release it is and how fresh it is
--   :exporter   owns what `customer-tiers export postgres` makes; give it a password
--
-- The next export grants the two roles what they may read. People and tools get theirs by
-- membership: create role ann login in role analyst.

\set ON_ERROR_STOP on

select 'create role analyst nologin'
where not exists (select from pg_roles where rolname = 'analyst') \gexec

select 'create role reporting nologin'
where not exists (select from pg_roles where rolname = 'reporting') \gexec

select format('create role %I login', :'exporter')
where not exists (select from pg_roles where rolname = :'exporter') \gexec

grant connect, create on database :"database" to :"exporter";
grant connect on database :"database" to analyst, reporting;
