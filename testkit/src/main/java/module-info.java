/** What users of Fulmar and Fulmar itself test with. */
module io.fulmar.testkit {
  exports io.fulmar.testkit;
  exports io.fulmar.testkit.contract;
  exports io.fulmar.testkit.harness;

  // JUnit makes the extension of the contract, and calls its rules.
  opens io.fulmar.testkit.contract to
      org.junit.platform.commons;
  exports io.fulmar.testkit.tpch;

  requires transitive io.fulmar.core;
  requires java.management;
  requires transitive java.sql;
  requires static embedded.postgres;
  requires static org.jspecify;
  requires static org.junit.jupiter.api;
  requires org.postgresql.jdbc;
  requires static tpch;
}
