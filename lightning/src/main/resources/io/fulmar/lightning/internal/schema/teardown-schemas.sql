/* fulmar: teardown schemas */
drop schema {planner}, {audit};
commit;
