/* fulmar: setup existing */
-- Fulmar keeps what destinations have accepted, and its logs, in schemas that are there. To be run by
-- their owner or a superuser.
grant usage, create on schema {planner}, {audit} to {role};
