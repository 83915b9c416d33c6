package io.fulmar.verify.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Model;
import io.fulmar.RunOptions;
import io.fulmar.Secret;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.TunnelException;
import io.fulmar.harness.PublicSurface;
import io.fulmar.harness.SurfaceContract;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.tunnel.ForwardTunnel;
import io.fulmar.tunnel.HostKeys;
import io.fulmar.tunnel.OpenReverseTunnel;
import io.fulmar.tunnel.OpenTunnel;
import io.fulmar.tunnel.ReverseTunnel;
import io.fulmar.tunnel.SshHop;
import io.fulmar.tunnel.SshKeyPair;
import io.fulmar.tunnel.SshSettings;
import io.fulmar.tunnel.SshTunnel;
import io.fulmar.tunnel.TunnelListener;
import io.fulmar.tunnel.TunnelServer;
import io.fulmar.tunnel.TunnelSettings;
import io.fulmar.tunnel.TunnelState;
import io.fulmar.tunnel.UserKey;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The surface of tunnels; nothing is connected to. */
@DisplayName("S-07: whatever a public method is given, it works or says what is wrong with what")
class TunnelSurfaceTest extends SurfaceContract {
  private static final SshKeyPair KEY = SshKeyPair.generate();
  private static final String KNOWN = "bastion " + KEY.publicKeyLine("bastion") + "\n";
  private static final Destination DESTINATION =
      Destination.of("test:nowhere", batch -> Delivery.allAccepted());
  private static final PublicSurface SURFACE =
      PublicSurface.of(SyncEngine.class, TunnelSurfaceTest::engine)
          .packageOf(SshTunnel.class)
          .implemented(TunnelListener.class, SshKeyPair.class)
          .builder(ForwardTunnel.Builder.class, TunnelSurfaceTest::forward)
          .builder(ReverseTunnel.Builder.class, TunnelSurfaceTest::reverse)
          .builder(SshHop.Builder.class, TunnelSurfaceTest::hop)
          .builder(TunnelServer.Builder.class, () -> TunnelServer.builder(Path.of("none")))
          .notShown(settings())
          .argument("TunnelServer.accept", 1, KEY.publicKeyLine("a"))
          .argument("HostKeys.fingerprint", 0, KEY.fingerprint())
          .argument("HostKeys.knownHostsText", 0, KNOWN)
          .sample(Model.class, Model.query("rows", "select 1 as k").key("k"))
          .sample(Destination.class, DESTINATION)
          .sample(Secret.class, Secret.of("x"))
          .sample(HostKeys.class, HostKeys.knownHostsText(KNOWN))
          .sample(UserKey.class, UserKey.file(Path.of("none")))
          .sample(SshHop.class, hop().build())
          .sample(SshHop[].class, new SshHop[0])
          .sample(SshSettings.class, forward())
          .sample(TunnelSettings.class, forward())
          .sample(SshKeyPair.class, KEY)
          .sample(OpenTunnel.class, closed(forward().build().open()))
          .sample(OpenReverseTunnel.class, closed(reverse().build().open()))
          .sample(InetSocketAddress.class, new InetSocketAddress("127.0.0.1", 1))
          .sample(TunnelServer.class, server())
          .sample(
              Sync.class,
              Sync.builder("crm")
                  .model(Model.query("rows", "select 1 as k").key("k"))
                  .to(DESTINATION)
                  .build())
          .sample(RunOptions.class, RunOptions.defaults())
          .sample(TunnelState.class, TunnelState.UP)
          .sample(TunnelListener.class, (TunnelListener) event -> {})
          .sample(
              TunnelException.class,
              new TunnelException(TunnelException.Kind.LOST, "x", "y", "z", null));

  TunnelSurfaceTest() {
    super(SURFACE);
  }

  /** What is built shows none of them. */
  private static String[] settings() {
    return Stream.of(
            ForwardTunnel.Builder.class,
            ReverseTunnel.Builder.class,
            SshHop.Builder.class,
            TunnelServer.Builder.class)
        .flatMap(
            builder ->
                Stream.of(builder.getMethods())
                    .map(
                        each -> builder.getDeclaringClass().getSimpleName() + "." + each.getName()))
        .distinct()
        .toArray(String[]::new);
  }

  private static OpenTunnel closed(OpenTunnel tunnel) {
    tunnel.close();
    return tunnel;
  }

  private static OpenReverseTunnel closed(OpenReverseTunnel tunnel) {
    tunnel.close();
    return tunnel;
  }

  private static TunnelServer server() {
    try (TunnelServer server =
        TunnelServer.builder(Files.createTempDirectory("fulmar-surface").resolve("key"))
            .port(0)
            .accept("a", KEY.publicKeyLine("a"), 1)
            .start()) {
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The contract calls one; its source would need the tunnel. */
  private static SyncEngine engine() {
    Source source =
        Source.builder()
            .host("db")
            .database("shop")
            .user("fulmar")
            .tunnel(forward().build())
            .connectTimeout(Duration.ofMillis(100))
            .build();
    return StandardEngine.on(source, Path.of("none"));
  }

  private static ForwardTunnel.Builder forward() {
    return SshTunnel.forward("bastion").user("fulmar").key(UserKey.file(Path.of("none")));
  }

  private static ReverseTunnel.Builder reverse() {
    return SshTunnel.reverse("gateway")
        .user("shop")
        .key(UserKey.file(Path.of("none")))
        .listen(5433)
        .to("db", 5432);
  }

  private static SshHop.Builder hop() {
    return SshHop.builder("edge").user("fulmar").key(UserKey.file(Path.of("none")));
  }

  @Test
  void aBuilderThatLacksSomethingSaysWhat() {
    assertThatThrownBy(() -> SshTunnel.forward("bastion").build())
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("user(...) is missing for the SSH server bastion");
    assertThatThrownBy(() -> SshTunnel.forward("bastion").user("fulmar").build())
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("key(...) or password(...) is missing for the SSH server bastion");
    assertThatThrownBy(() -> SshTunnel.reverse("gateway").build())
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("listen(...) is missing");
    assertThatThrownBy(() -> SshTunnel.reverse("gateway").listen(1).build())
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("to(...) is missing");
    assertThat(forward().build().name()).isEqualTo("ssh://fulmar@bastion:22");
  }
}
