/* fulmar: setup owned */
-- Two schemas in which Fulmar keeps what destinations have accepted, and its logs; they belong to its
-- role. To be run by the owner of the database, who must be a member of that role, or a superuser.
create schema {planner} authorization {role};
create schema {audit} authorization {role};
revoke all on schema {planner}, {audit} from public;
