/* fulmar: role */
-- May read what it is granted, and nothing else. To be run by the owner of the tables or a superuser;
-- the password is best given by \password in psql, which neither shows nor logs it.
create role {role} login nosuperuser nocreatedb nocreaterole noreplication nobypassrls;
grant connect on database {database} to {role};
grant usage on schema {schemas} to {role};
