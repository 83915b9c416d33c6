/** What users of Fulmar and Fulmar itself test with. */
module io.fulmar.testkit {
  exports io.fulmar.testkit;
  exports io.fulmar.testkit.assertj;
  exports io.fulmar.testkit.contract;
  exports io.fulmar.testkit.harness;
  exports io.fulmar.testkit.junit;
  exports io.fulmar.testkit.network;
  exports io.fulmar.testkit.ssh;
  exports io.fulmar.testkit.tpch;

  // JUnit makes extensions, and calls the rules of the contract.
  opens io.fulmar.testkit.contract to
      org.junit.platform.commons;
  opens io.fulmar.testkit.junit to
      org.junit.platform.commons;

  requires transitive io.fulmar.core;
  requires java.management;
  requires transitive java.sql;
  requires static embedded.postgres;
  requires static org.apache.sshd.osgi;
  requires static transitive org.assertj.core;
  requires static org.jspecify;
  requires static transitive org.junit.jupiter.api;
  requires org.postgresql.jdbc;
  requires static testcontainers;
  requires static tpch;
}
