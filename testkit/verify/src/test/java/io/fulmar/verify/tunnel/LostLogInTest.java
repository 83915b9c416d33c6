package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.TunnelException.Kind;
import io.fulmar.spi.Tunnel.Dialer;
import io.fulmar.testkit.internal.ssh.MinaServer;
import io.fulmar.testkit.internal.ssh.SshKeyFile;
import io.fulmar.testkit.network.FaultProxy;
import io.fulmar.tunnel.ForwardTunnel;
import io.fulmar.tunnel.HostKeys;
import io.fulmar.tunnel.SshTunnel;
import io.fulmar.tunnel.TunnelEvent;
import io.fulmar.tunnel.TunnelState;
import io.fulmar.tunnel.UserKey;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The connection ends while the server looks at a log-in, with a server that waits for the test.
 */
class LostLogInTest extends ChannelFixture {
  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  @DisplayName("T-03: a link that is reset before a key was answered is lost, not refused")
  void resetBeforeTheAnswer(int question) throws Exception {
    SshKeyFile unknown = SshKeyFile.create(directory);
    SshKeyFile first = question == 1 ? key : unknown;
    SshKeyFile second = question == 1 ? unknown : key;
    try (FaultProxy proxy = FaultProxy.before(server.host(), server.port())) {
      AtomicInteger questions = new AtomicInteger();
      ((MinaServer) server)
          .beforeAnswerAboutKey(
              () -> {
                if (questions.incrementAndGet() == question) {
                  proxy.resetAll();
                }
              });
      ForwardTunnel tunnel =
          SshTunnel.forward(server.host())
              .port(proxy.port())
              .user(server.user())
              .key(UserKey.file(first.file()))
              .key(UserKey.file(second.file()))
              .hostKeys(HostKeys.fingerprint(server.fingerprint()))
              .listener(events::add)
              .build();
      try (Dialer dialer = tunnel.dialer()) {
        TunnelEvent lost = nextEvent();
        String place = server.host() + ":" + proxy.port();
        assertThat(lost.cause())
            .hasMessage(
                "Cannot log in to %s: the connection to the SSH server %s ended while it looked at the log-in of %s. Look at its log.",
                place, place, server.user());
        assertThat(lost.cause().kind()).isEqualTo(Kind.NO_SSH);
        assertThat(nextEvent().state()).isEqualTo(TunnelState.UP);
        assertConnects(dialer);
      }
    }
  }
}
