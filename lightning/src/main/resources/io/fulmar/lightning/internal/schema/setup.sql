/* fulmar: setup */
-- Two schemas in which Fulmar keeps what destinations have accepted, and its logs. To be run by the
-- owner of the database or a superuser.
create schema {planner};
create schema {audit};
revoke all on schema {planner}, {audit} from public;
grant usage, create on schema {planner}, {audit} to {role};
