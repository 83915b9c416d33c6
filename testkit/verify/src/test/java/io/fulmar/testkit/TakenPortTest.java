package io.fulmar.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A server whose port somebody else takes between the choice and the start. */
class TakenPortTest {
  private static final Duration TIMEOUT = Duration.ofSeconds(1);
  private static TestPostgres other;

  @BeforeAll
  static void startServer() {
    other = TestPostgres.start();
  }

  @AfterAll
  static void stopServer() {
    other.close();
  }

  @Test
  void serverWhosePortAnotherServerTookIsStartedOnAnotherPort() {
    int free = FreePort.choose();
    Iterator<Integer> ports = List.of(other.port(), free).iterator();

    try (TestPostgres postgres =
        TestPostgres.builder().launch(ports::next, Duration.ofMinutes(1))) {
      assertThat(postgres.port()).isEqualTo(free);
      assertThat(postgres.createDatabase().port()).isEqualTo(free);
    }
  }

  @Test
  void serverWhosePortsAreAllTakenSaysSo() throws IOException {
    try (ServerSocket somebody = new ServerSocket(0)) {
      Iterator<Integer> ports =
          List.of(somebody.getLocalPort(), other.port(), other.port()).iterator();

      assertThatThrownBy(() -> TestPostgres.builder().majorVersion(17).launch(ports::next, TIMEOUT))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage(
              "Cannot start PostgreSQL 17: 3 ports that were free were taken before it listened.");
      assertThat(ports).isExhausted();
    }
    assertThat(other.createDatabase().port()).isEqualTo(other.port());
  }

  @Test
  void chosenPortIsNoneThatTheSystemGivesToOthers() throws IOException {
    int free = FreePort.choose();

    assertThat(free).isBetween(10_240, 32_767);
    try (ServerSocket somebody = new ServerSocket(free)) {
      assertThat(FreePort.isTaken(somebody.getLocalPort())).isTrue();
    }
  }
}
