package io.fulmar.verify.destination;

import static io.fulmar.verify.destination.TableFixture.change;
import static io.fulmar.verify.destination.TableFixture.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.PostgresDestination;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Writer;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.testkit.network.FaultProxy;
import io.fulmar.testkit.network.Traffic;
import io.fulmar.verify.fixture.SharedServer;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Another run may send a key again, and newer values of it, once the deadline of a call that gave
 * no answer is over. So that call must do nothing any more, however long the way is.
 */
@SuppressWarnings("try") // close() of a writer may be interrupted
class PostgresDestinationDeadlineTest {
  private static final String OVER =
      """
      Cannot write to "public"."customers": the call was interrupted, or took longer than its \
      deadline of %s, before COMMIT. Raise callDeadline(...) of the sync, or lower maxRows(...).""";

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

  @BeforeEach
  void createTable() throws Exception {
    fixture = new TableFixture(postgres.createDatabase());
    fixture.run("create table customers (id bigint primary key, name text)");
    proxy = FaultProxy.before(fixture.database().host(), fixture.database().port());
  }

  @AfterEach
  void closeProxy() {
    proxy.close();
  }

  private PostgresDestination customersTable() {
    return PostgresDestination.builder(fixture.source().port(proxy.port()).build())
        .table("public", "customers")
        .build();
  }

  private static RunContext run(Duration deadline) {
    return new RunContext("crm", 7, 1, deadline);
  }

  private Writer open(Duration deadline) {
    return customersTable().open(run(deadline));
  }

  private static Change customer(int id) {
    return change(1, "id", Integer.toString(id), "name", "Ada");
  }

  private List<String> customers() throws SQLException {
    return fixture.rows("select id from customers order by id");
  }

  @Test
  @DisplayName("P1, P2: a call commits nothing after its deadline")
  void commitsNothingAfterItsDeadline() throws Exception {
    // Each answer comes in time, all of them together do not.
    proxy.traffic(Traffic.late(Duration.ofMillis(250), Duration.ZERO));
    try (Writer writer = open(Duration.ofSeconds(1))) {
      assertThatThrownBy(() -> write(writer, Action.UPSERT, customer(1)))
          .isInstanceOf(NotAppliedException.class)
          .hasMessage(OVER.formatted("PT1S"));
      assertThat(customers()).isEmpty();
    }
    proxy.traffic(Traffic.PLAIN);
    try (Writer writer = open(Duration.ofSeconds(60))) {
      write(writer, Action.UPSERT, customer(1));
      assertThat(customers()).containsExactly("1");
    }
  }

  @Test
  @DisplayName("P1, P2: a call that is interrupted commits nothing, and says so")
  void commitsNothingWhenInterrupted() throws Exception {
    try (Writer writer = open(Duration.ofSeconds(60))) {
      write(writer, Action.UPSERT, customer(1));
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> write(writer, Action.UPSERT, customer(2)))
          .isInstanceOf(NotAppliedException.class)
          .hasMessage(OVER.formatted("PT1M"));
      assertThat(Thread.interrupted()).isTrue();
      assertThat(customers()).containsExactly("1");
      write(writer, Action.UPSERT, customer(2));
      assertThat(customers()).containsExactly("1", "2");
    }
  }

  @Test
  @DisplayName("P1, P2: a table is not cleared after the deadline, when its rows may be back")
  void clearsNothingAfterItsDeadline() throws Exception {
    fixture.run("insert into customers values (1, 'Ada')");
    proxy.traffic(Traffic.late(Duration.ofMillis(250), Duration.ZERO));
    assertThatThrownBy(() -> customersTable().clear(run(Duration.ofSeconds(1))))
        .isInstanceOf(NotAppliedException.class)
        .hasMessage(OVER.formatted("PT1S"));
    assertThat(customers()).containsExactly("1");
    proxy.traffic(Traffic.PLAIN);
    customersTable().clear(run(Duration.ofSeconds(60)));
    assertThat(customers()).isEmpty();
  }
}
