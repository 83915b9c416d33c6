package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.spi.Tunnel.Dialer;
import io.fulmar.testkit.internal.ssh.MinaServer;
import io.fulmar.tunnel.ForwardTunnel;
import io.fulmar.verify.fixture.EchoServer;
import io.fulmar.verify.fixture.Eventually;
import java.net.InetSocketAddress;
import java.net.Socket;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** An SSH server that answers late, when the test lets it. */
class LateAnswersTest extends ChannelFixture {
  @Test
  @DisplayName("T-02: a channel that is confirmed after all leaves nothing behind")
  void lateConfirmation() throws Exception {
    ForwardTunnel tunnel = forward().build();
    try (Dialer dialer = tunnel.dialer();
        EchoServer other = EchoServer.start();
        Socket never = dialer.sockets().createSocket()) {
      assertConnects(dialer);
      MinaServer mina = (MinaServer) server;
      mina.hold(other.port());
      Throwable late =
          end(
              begin(
                  () ->
                      never.connect(
                          InetSocketAddress.createUnresolved("127.0.0.1", other.port()), 500)));
      assertThat(late).hasMessageContaining("within 500 ms");
      assertConnects(dialer);

      assertThat(mina.release()).isEqualTo(1);

      Eventually.is(1, "connections that the server made", other::accepted);
      Eventually.is(0, "connections that it kept", other::connections);
      assertThat(tunnel.status().openConnections()).isZero();
      try (Socket now = connect(dialer, other.port())) {
        assertEchoes(now);
      }
      assertThat(server.connections()).isEqualTo(1);
    }
  }
}
