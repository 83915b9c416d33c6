package io.fulmar.internal.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.fulmar.Secret;
import io.fulmar.Source;
import io.fulmar.internal.postgres.ConnectFailure.Kind;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What a server gets of a password that does not prove who it is. */
@Timeout(30)
class LogInTest {
  private static final String REMEDY =
      "Give the role a SCRAM password (set password_encryption = 'scram-sha-256', then set it anew), use verified TLS, or call allowWeakAuthentication().";

  private static Source.Builder to(int port) {
    return Source.builder()
        .host("127.0.0.1")
        .port(port)
        .database("shop")
        .user("fulmar")
        .password(Secret.of("canary-password"))
        .connectTimeout(Duration.ofSeconds(5))
        .withoutTls();
  }

  private static ConnectFailure failure(Source source) {
    try (Connector connector = new Connector(source, "fulmar")) {
      SQLException thrown = catchThrowableOfType(SQLException.class, connector::connect);
      assertThat((Throwable) thrown).isInstanceOf(ConnectFailedException.class);
      assertThat((Throwable) thrown)
          .hasStackTraceContaining("ConnectFailedException")
          .satisfies(e -> assertThat(trace(e)).doesNotContain("canary"));
      return ConnectFailure.of(thrown);
    }
  }

  private static String trace(Throwable e) {
    java.io.StringWriter text = new java.io.StringWriter();
    e.printStackTrace(new java.io.PrintWriter(text));
    return text.toString();
  }

  static Stream<Arguments> weakMethods() {
    return Stream.of(
        weak("asks for the password in clear", LogInServer::inClear),
        weak("asks for the password as MD5", LogInServer::asMd5),
        weak("asks for no password, so it may be any server", LogInServer::forNothing));
  }

  private static Arguments weak(String words, Supplier<LogInServer> server) {
    return Arguments.of(words, server);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("weakMethods")
  @DisplayName("S-02: a server that is not verified gets nothing by asking for less than SCRAM")
  void lessThanScramIsRefused(String words, Supplier<LogInServer> asking) throws Exception {
    try (LogInServer server = asking.get()) {
      ConnectFailure failure = failure(to(server.port()).build());
      assertThat(failure.kind()).isEqualTo(Kind.AUTHENTICATION);
      assertThat(failure.exception("connect to db", "[sync=crm run=7]").getMessage())
          .isEqualTo(
              "Cannot connect to db: 127.0.0.1:%d %s. %s [sync=crm run=7 sqlstate=08004]"
                  .formatted(server.port(), words, REMEDY));
      assertThat(server.told()).isEmpty();
    }
  }

  @Test
  @DisplayName(
      "S-02: it gets the password when it is allowed to, which shows that the test can fail")
  void itIsGivenWhereThatIsAllowed() throws Exception {
    try (LogInServer server = LogInServer.inClear()) {
      failure(to(server.port()).allowWeakAuthentication().build());
      assertThat(server.told()).startsWith("canary-password");
    }
  }

  @Test
  @DisplayName("S-02: a server that asks for a thousand million rounds of SCRAM does not get them")
  void endlessScramIsRefused() throws Exception {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    try (LogInServer server = LogInServer.byScram(1_000_000_000)) {
      long began = cpu(threads);
      ConnectFailure failure = failure(to(server.port()).build());
      Duration spent = Duration.ofNanos(cpu(threads) - began);
      assertThat(failure.kind()).isEqualTo(Kind.AUTHENTICATION);
      assertThat(failure.fact())
          .isEqualTo(
              "127.0.0.1:%d asks for more than 100,000 rounds of SCRAM, or breaks its rules"
                  .formatted(server.port()));
      assertThat(server.told()).startsWith("SCRAM-SHA-256");
      assertThat(spent).isLessThan(Duration.ofSeconds(2));
    }
  }

  /** Of all threads: the driver connects on one of its own. */
  private static long cpu(ThreadMXBean threads) {
    long sum = 0;
    for (long thread : threads.getAllThreadIds()) {
      sum += Math.max(0, threads.getThreadCpuTime(thread));
    }
    return sum;
  }

  @Test
  void theSupplierOfAPasswordIsAskedAtEachConnection() throws Exception {
    AtomicInteger asked = new AtomicInteger();
    try (LogInServer server = LogInServer.inClear()) {
      Source source =
          to(server.port())
              .password(Secret.of(() -> "token-" + asked.incrementAndGet()))
              .allowWeakAuthentication()
              .build();
      failure(source);
      assertThat(server.told()).startsWith("token-1");
      failure(source);
      assertThat(server.told()).startsWith("token-2");
    }
  }

  @Test
  void aSupplierThatFailsIsNamedWithoutItsWords() {
    Source source =
        to(1)
            .password(
                Secret.of(
                    () -> {
                      throw new IllegalStateException("token canary-token has expired");
                    }))
            .build();
    ConnectFailure failure = failure(source);
    assertThat(failure.kind()).isEqualTo(Kind.SECRET);
    assertThat(failure.exception("connect to db", "[sync=crm run=7]").getMessage())
        .isEqualTo(
            "Cannot connect to db: the supplier of password threw java.lang.IllegalStateException. Look at where it comes from. [sync=crm run=7]");
  }

  @Test
  void aSupplierThatGivesNothingIsNamed() {
    ConnectFailure failure = failure(to(1).password(Secret.of(() -> null)).build());
    assertThat(failure.kind()).isEqualTo(Kind.SECRET);
    assertThat(failure.fact())
        .isEqualTo(
            "password is not to be had (Cannot read the secret: its supplier gave null. Let it give the secret or throw.)");
  }
}
