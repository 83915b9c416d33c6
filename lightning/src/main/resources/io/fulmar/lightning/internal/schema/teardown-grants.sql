/* fulmar: teardown grants */
revoke usage, create on schema {planner}, {audit} from {role};
commit;
