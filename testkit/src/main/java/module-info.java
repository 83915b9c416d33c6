/** What users of Fulmar and Fulmar itself test with. */
module io.fulmar.testkit {
  exports io.fulmar.testkit;
  exports io.fulmar.testkit.harness;

  requires transitive io.fulmar.core;
  requires java.management;
  requires transitive java.sql;
  requires static embedded.postgres;
  requires static org.jspecify;
  requires org.postgresql.jdbc;
}
