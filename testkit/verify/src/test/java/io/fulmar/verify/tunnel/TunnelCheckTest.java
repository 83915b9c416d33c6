package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.CheckReport;
import io.fulmar.CheckReport.Verdict;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.testkit.FreePort;
import io.fulmar.testkit.internal.ssh.SshKeyFile;
import io.fulmar.testkit.internal.ssh.SshSettings;
import io.fulmar.tunnel.ForwardTunnel;
import io.fulmar.tunnel.HostKeys;
import io.fulmar.tunnel.SshTunnel;
import io.fulmar.tunnel.UserKey;
import io.fulmar.verify.fixture.BothSshServers;
import io.fulmar.verify.fixture.Queries;
import io.fulmar.verify.fixture.SshServerUnderTest;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * What a check says of a source behind a tunnel: which part of the way does not work, and what to
 * do about it. The first test shows that nothing is said of a way that works.
 */
@BothSshServers
class TunnelCheckTest extends TunnelFixture {
  private static final String LOOK_THERE =
      "Look at host and port, whether sshd runs there, and at firewall and routes";
  private static final String PERMIT_PLACE =
      "Look at AllowTcpForwarding and PermitOpen in its sshd_config, and at permitopen and restrict"
          + " in authorized_keys: host and port must be written there as they are here";

  @BeforeEach
  void fill() throws SQLException {
    database.execute("create table item (id int primary key)", "insert into item values (1)");
  }

  private CheckReport check(Source source) {
    try (SyncEngine engine = StandardEngine.on(source, directory.resolve("state"))) {
      return engine.check();
    }
  }

  private CheckReport check(ForwardTunnel tunnel) {
    return check(source().tunnel(tunnel).build());
  }

  private static CheckReport.Step step(CheckReport report, String name) {
    return report.steps().stream().filter(s -> s.name().equals(name)).findFirst().orElseThrow();
  }

  /** The network does not work, and nothing is said but that. */
  private static void assertNetwork(CheckReport report, String fact, String remedy) {
    CheckReport.Step network = step(report, "network");
    assertThat(network.verdict()).isEqualTo(Verdict.FAILED);
    List<String> found =
        network.found().stream()
            .map(each -> each.replaceAll("channel: \\d+", "channel: N"))
            .toList();
    assertThat(found).endsWith(fact);
    assertThat(found.subList(0, found.size() - 1))
        .isSubsetOf("the first attempt to connect failed: " + fact);
    assertThat(network.remedies()).containsExactly(remedy);
    assertThat(step(report, "credentials").found()).containsExactly("needs network");
  }

  private ForwardTunnel.Builder withoutKeys(int port) {
    return SshTunnel.forward(server.host())
        .port(port)
        .user(server.user())
        .key(UserKey.file(key.file()));
  }

  private String place() {
    return server.host() + ":" + server.port();
  }

  @Test
  void allIsWell() {
    CheckReport report = check(forward().build());
    assertThat(report.passed()).as(report.text()).isTrue();
    assertThat(step(report, "credentials").found())
        .containsExactly(
            "the role %s in the database %s".formatted(database.user(), database.name()));
  }

  @Test
  void nobodyListensWhereTheSshServerShould() {
    int port = FreePort.choose();
    assertNetwork(
        check(withoutKeys(port).hostKeys(HostKeys.fingerprint(server.fingerprint())).build()),
        "the SSH server 127.0.0.1:%s refuses connections".formatted(port),
        LOOK_THERE);
  }

  @Test
  void nameOfTheSshServerHasNoAddress() {
    assertNetwork(
        check(
            SshTunnel.forward("bastion.invalid")
                .user(server.user())
                .key(UserKey.file(key.file()))
                .hostKeys(HostKeys.fingerprint(server.fingerprint()))
                .build()),
        "the name of the SSH server, bastion.invalid, has no address (DNS)",
        "Look at the name, and at the resolver of this machine");
  }

  @Test
  @DisplayName("T-08: an SSH server with another host key")
  void hostKeyIsAnother() {
    String other = SshKeyFile.create(directory).fingerprint();
    assertNetwork(
        check(withoutKeys(server.port()).hostKeys(HostKeys.fingerprint(other)).build()),
        "its host key is not the pinned one: expected %s, got ssh-ed25519 %s"
            .formatted(other, server.fingerprint()),
        "Somebody may be in between, the server may have new keys, or the fingerprint is that of a"
            + " key of another type. Ask the administrator of the server for all its fingerprints"
            + " and pin those: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub");
  }

  @Test
  @DisplayName("T-11: a key that the SSH server does not know")
  void keyIsNotAuthorised() {
    server.authoriseNobody();
    assertNetwork(
        check(forward().build()),
        "the SSH server %s refuses the user %s with key %s; it allows publickey"
            .formatted(place(), server.user(), key.file()),
        "Look whether the public key is in authorized_keys of that user, its file and folder are"
            + " writable by nobody else, and AllowUsers, MaxAuthTries and"
            + " PubkeyAcceptedAlgorithms permit it; its log tells");
  }

  /** What the servers add in their own words. */
  private String said(String byOpenSsh) {
    return kind == SshServerUnderTest.MINA ? "Generic error while opening channel: N" : byOpenSsh;
  }

  private String refusal() {
    return "the SSH server refuses to forward to %s:%s (%s)"
        .formatted(database.host(), database.port(), said("open failed"));
  }

  @Test
  @DisplayName("T-12: an SSH server that does not forward")
  void sshServerDoesNotForward() {
    restartWith(SshSettings.builder().tcpForwarding(SshSettings.Forwarding.NO).build());
    assertNetwork(check(forward().build()), refusal(), PERMIT_PLACE);
  }

  @Test
  @DisplayName("T-12: a key that may open another place")
  void keyMayOpenAnotherPlace() {
    restartWith(
        SshSettings.defaults(), "restrict", "port-forwarding", "permitopen=\"127.0.0.1:1\"");
    assertNetwork(check(forward().build()), refusal(), PERMIT_PLACE);
  }

  @Test
  void nobodyListensWhereTheDatabaseShould() {
    int port = FreePort.choose();
    assertNetwork(
        check(source().port(port).tunnel(forward().build()).build()),
        "the SSH server does not reach %s:%s (%s)"
            .formatted(database.host(), port, said("Connection refused")),
        "Look from that server whether the database runs, its name resolves, and no firewall"
            + " stands between");
  }

  @Test
  void databaseHasAnotherName() {
    CheckReport report = check(source().database("nowhere").tunnel(forward().build()).build());
    assertThat(step(report, "network").verdict()).isEqualTo(Verdict.PASSED);
    assertThat(step(report, "network").found()).containsExactly("a server answers");
    CheckReport.Step credentials = step(report, "credentials");
    assertThat(credentials.verdict()).isEqualTo(Verdict.FAILED);
    assertThat(credentials.found()).containsExactly("database \"nowhere\" does not exist");
    assertThat(credentials.remedies()).containsExactly("Look at the name of the database");
  }

  @Test
  @DisplayName("K-04: a check through the tunnel beside a run through it")
  void checkBesideARun() throws Exception {
    ForwardTunnel tunnel = forward().build();
    Sync sleeping = sync("select 1 as id, pg_sleep(3600)::text as v").build();
    try (SyncEngine engine =
        StandardEngine.on(source().tunnel(tunnel).build(), directory.resolve("state"))) {
      FutureTask<SyncReport> run = new FutureTask<>(() -> engine.run(sleeping));
      new Thread(run, "caller").start();
      Queries.await(
          database,
          "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
              + " and datname = current_database()",
          "1");
      for (CheckReport report : List.of(engine.check(), check(tunnel))) {
        assertThat(report.passed()).as(report.text()).isTrue();
      }
      assertThat(run.isDone()).isFalse();
      assertThat(tunnel.status().sshConnections()).as("all through one").isEqualTo(1);
      engine.cancel(sleeping);
      assertThat(run.get(60, TimeUnit.SECONDS).status()).isEqualTo(RunStatus.CANCELLED);
    }
  }
}
