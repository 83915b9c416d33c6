package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.testkit.FreePort;
import io.fulmar.testkit.network.FaultProxy;
import io.fulmar.tunnel.HostKeys;
import io.fulmar.tunnel.OpenReverseTunnel;
import io.fulmar.tunnel.ReverseTunnel;
import io.fulmar.tunnel.SshTunnel;
import io.fulmar.tunnel.TunnelServer;
import io.fulmar.tunnel.TunnelState;
import io.fulmar.tunnel.UserKey;
import io.fulmar.verify.fixture.EngineUnderTest;
import io.fulmar.verify.fixture.Eventually;
import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Both ends of a reverse tunnel are ours: no SSH server of a system takes part. */
class TunnelServerSyncTest extends TunnelFixture {
  private final int port = FreePort.choose();

  private TunnelServer accepting() throws Exception {
    return TunnelServer.builder(directory.resolve("host_key"))
        .port(0)
        .accept("plant", key.publicLine(), port)
        .start();
  }

  private ReverseTunnel.Builder reverse(TunnelServer accepting) {
    return SshTunnel.reverse("127.0.0.1")
        .port(accepting.port())
        .user("plant")
        .key(UserKey.file(key.file()))
        .hostKeys(HostKeys.fingerprint(accepting.fingerprint()))
        .listen(port)
        .to(database.host(), database.port());
  }

  @ParameterizedTest
  @EnumSource(EngineUnderTest.class)
  void syncThroughBothEndsAndAgainAfterALoss(EngineUnderTest engineKind) throws Exception {
    engineKind.prepare(database);
    database.execute(
        "create table item (id int primary key, v text not null)",
        "insert into item select i, repeat('x', 100) from generate_series(1, 5000) i");
    Sync crm = sync("select id, v from item").onRemoved(Removal.DELETE).build();
    Source through = source().host("127.0.0.1").port(port).build();
    try (TunnelServer accepting = accepting();
        FaultProxy proxy = FaultProxy.before("127.0.0.1", accepting.port());
        OpenReverseTunnel tunnel = reverse(accepting).port(proxy.port()).build().open()) {
      tunnel.awaitUp(SOON);
      tunnel.probe();
      assertThat(tunnel.status().connections()).as("through the server, and back").isEqualTo(2);
      try (SyncEngine engine = engineKind.on(through, directory.resolve("state"))) {
        assertThat(engine.run(crm).throwIfFailed().total().accepted()).isEqualTo(5000);
        assertThat(tunnel.status().sentBytes()).isGreaterThan(500_000);
        assertThat(accepting.openPorts())
            .singleElement()
            .satisfies(open -> assertThat(open.port()).isEqualTo(port));

        assertThat(proxy.resetAll()).isEqualTo(1);
        Eventually.is(2, "SSH connections", () -> tunnel.status().sshConnections());

        database.execute(
            "delete from item where id % 10 = 0", "update item set v = 'y' where id = 1");
        assertThat(engine.run(crm).status()).isEqualTo(RunStatus.SUCCEEDED);
        assertThat(destination.contents()).hasSize(4500);
      }
    }
  }

  @Test
  @DisplayName("T-05: who is back takes his port over from the connection that fell silent")
  void portIsTakenOver() throws Exception {
    try (TunnelServer accepting = accepting();
        FaultProxy proxy = FaultProxy.before("127.0.0.1", accepting.port());
        OpenReverseTunnel tunnel =
            reverse(accepting).port(proxy.port()).keepAlive(Duration.ofSeconds(1)).build().open()) {
      tunnel.awaitUp(SOON);
      assertThat(proxy.silenceOpen()).isEqualTo(1);
      Eventually.is(2, "SSH connections", () -> tunnel.status().sshConnections());
      tunnel.probe();
      assertThat(tunnel.status().state()).isEqualTo(TunnelState.UP);
      assertThat(accepting.openPorts()).hasSize(1);
    }
  }
}
