package io.fulmar.verify.destination;

import io.fulmar.Secret;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.testkit.contract.DestinationContract;
import io.fulmar.testkit.network.FaultProxy;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;

/** The contract over a table that keeps the sequence, on a real server. */
class PostgresContractTest extends DestinationContract {
  private static final String PASSWORD = "password-c07a";

  private static TestPostgres postgres;

  private TableFixture fixture;
  private FaultProxy proxy;

  @BeforeAll
  static void startServer() {
    postgres = SharedServer.own();
  }

  @AfterAll
  static void stopServer() throws SQLException {
    SharedServer.clean();
  }

  @Override
  protected Destination destination() throws Exception {
    fixture = new TableFixture(postgres.createDatabase());
    proxy = FaultProxy.before(fixture.database().host(), fixture.database().port());
    fixture.run(
        """
        create table records (
          id bigint primary key, t text check (t not like 'refused%'), n numeric,
          f double precision, b boolean, y bytea, d date, z timestamptz, s bigint)
        """,
        """
        create table records_fulmar_tombstones (
          id bigint primary key, fulmar_sequence bigint not null,
          fulmar_deleted_at timestamptz not null)
        """);
    return io.fulmar.PostgresDestination.builder(
            fixture
                .source()
                .port(proxy.port())
                .password(Secret.of(PASSWORD))
                .allowWeakAuthentication()
                .lockTimeout(Duration.ofMillis(200))
                .build())
        .table("public", "records")
        .sequenceColumn("s")
        .build();
  }

  @Override
  protected Map<Long, Map<String, @Nullable String>> records() throws Exception {
    Map<Long, Map<String, @Nullable String>> records = new LinkedHashMap<>();
    try (Connection connection = fixture.database().connect();
        Statement statement = connection.createStatement()) {
      statement.execute("set TimeZone = 'UTC'; set DateStyle = 'ISO'");
      try (ResultSet rows =
          statement.executeQuery(
              """
              select id, t, n::text, f::text, b::text, y::text, d::text, z::text from records
              """)) {
        while (rows.next()) {
          Map<String, @Nullable String> record = new LinkedHashMap<>();
          for (int i = 2; i <= 8; i++) {
            record.put(rows.getMetaData().getColumnName(i), rows.getString(i));
          }
          records.put(rows.getLong(1), record);
        }
      }
    }
    return records;
  }

  @Override
  protected String refusedText() {
    return "refused " + CANARY;
  }

  @AfterEach
  void closeProxy() {
    proxy.close();
  }

  @Override
  protected AutoCloseable silent() {
    proxy.silence();
    return proxy::heal;
  }

  @Override
  protected boolean keepsSequence() {
    return true;
  }

  @Override
  protected List<String> secrets() {
    return List.of(PASSWORD);
  }

  @Override
  protected AutoCloseable outOfReach() throws Exception {
    Connection holder = fixture.database().connect();
    holder.setAutoCommit(false);
    try (Statement statement = holder.createStatement()) {
      statement.execute("lock table records in access exclusive mode");
    }
    return holder;
  }
}
