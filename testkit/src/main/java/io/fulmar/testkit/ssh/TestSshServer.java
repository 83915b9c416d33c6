package io.fulmar.testkit.ssh;

import io.fulmar.testkit.internal.network.ProtocolProxy;
import io.fulmar.testkit.internal.ssh.MinaServer;
import io.fulmar.testkit.internal.ssh.Ports;
import io.fulmar.testkit.internal.ssh.SshKeyFile;
import io.fulmar.testkit.internal.ssh.SshSettings;
import io.fulmar.testkit.network.Direction;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An SSH server in the JVM of the test, on a free port of 127.0.0.1: the bastion in front of a
 * database, or the accepting end of a reverse tunnel. It has a host key of its own and one user,
 * who may log in with {@link #privateKey} from the beginning, and forward ports both ways. It can
 * be cut off, fall silent, stop and start again. It runs no commands.
 *
 * <pre>{@code
 * try (TestSshServer bastion = TestSshServer.builder().permitOpen("127.0.0.1:5432").start()) {
 *   ForwardTunnel tunnel = SshTunnel.forward(bastion.host()).port(bastion.port()).user(bastion.user())
 *       .key(UserKey.text(Secret.of(bastion.privateKey())))
 *       .hostKeys(HostKeys.fingerprint(bastion.fingerprint()))
 *       .build();
 *   ...
 *   bastion.cut(); // and the tunnel comes back by itself
 * }
 * }</pre>
 *
 * <p>Needs Apache MINA SSHD ({@code org.apache.sshd:sshd-osgi}) on the path of the tests. This
 * class is thread-safe. It is to be closed by whoever started it.
 */
public final class TestSshServer implements AutoCloseable {
  private final MinaServer server;
  private final String privateKey;
  private final int port;
  private ProtocolProxy proxy;

  private TestSshServer(MinaServer server, String privateKey) {
    this.server = server;
    this.privateKey = privateKey;
    this.proxy = Ports.onFreeOne(at -> ProtocolProxy.at(at, server.host(), server.port()));
    this.port = proxy.port();
  }

  /** Starts a server that forwards from and to everywhere. */
  public static TestSshServer start() {
    return builder().start();
  }

  /** Starts with a server that forwards from and to everywhere, for one user with a key. */
  public static Builder builder() {
    return new Builder();
  }

  /** The address, {@code 127.0.0.1}. */
  public String host() {
    return server.host();
  }

  /** On which port it listens; the same after {@link #restart}. */
  public int port() {
    return port;
  }

  /** The only user who may log in. */
  public String user() {
    return server.user();
  }

  /** A private key with which the user may log in, as {@code ssh-keygen} writes it. */
  public String privateKey() {
    return privateKey;
  }

  /**
   * Lets another key in, from the next login on.
   *
   * @param publicKey as in a {@code .pub} file; may have options of {@code authorized_keys} before
   *     it, of which {@code restrict}, {@code port-forwarding}, {@code no-port-forwarding}, {@code
   *     permitopen} and {@code permitlisten} are heeded
   * @throws IllegalArgumentException if it is no such line
   */
  public void authorise(String publicKey) {
    server.authorise(Objects.requireNonNull(publicKey, "publicKey"));
  }

  /** Lets no key in any more, from the next login on. */
  public void authoriseNobody() {
    server.authoriseNobody();
  }

  /** The fingerprint of the host key: {@code SHA256:} and 43 characters. */
  public String fingerprint() {
    return server.fingerprint();
  }

  /** What a {@code known_hosts} file has about this server. */
  public String knownHostsLine() {
    return "[%s]:%s %s".formatted(host(), port, server.hostKey());
  }

  /** How many SSH connections there are, logged in or not. */
  public int connections() {
    return server.connections();
  }

  /**
   * Cuts all connections without a word (RST); it goes on listening.
   *
   * @return how many there were
   */
  public synchronized int cut() {
    return proxy.resetAll();
  }

  /** Takes what is sent, answers nothing, and sends nothing, until {@link #heal} or a restart. */
  public synchronized void silence() {
    proxy.silence(Direction.BOTH);
  }

  /**
   * Answers again. A connection that was silent meanwhile has lost what was sent, so that its
   * client or the server ends it at the next packet.
   */
  public synchronized void heal() {
    proxy.heal();
  }

  /** Ends it, as a crash of the machine does: nothing listens, and all connections are gone. */
  public synchronized void stop() {
    proxy.close();
    server.kill();
  }

  /**
   * Starts it again on the same port with the same keys; stops it first if it runs.
   *
   * @throws IllegalStateException if it does not start
   */
  public synchronized void restart() {
    stop();
    server.restart();
    try {
      proxy = ProtocolProxy.at(port, server.host(), server.port());
    } catch (UncheckedIOException e) {
      throw new IllegalStateException(
          "Cannot start the SSH server again: port %s is taken.".formatted(port), e);
    }
  }

  /** Names the port. */
  @Override
  public String toString() {
    return "TestSshServer[port " + port + "]";
  }

  /** Ends it, all connections to it and its threads, and deletes its files. */
  @Override
  public synchronized void close() {
    proxy.close();
    server.close();
  }

  /** What the server permits. Not thread-safe. */
  public static final class Builder {
    private @Nullable String password;
    private List<String> permitOpen = List.of();
    private List<String> permitListen = List.of();

    private Builder() {}

    /**
     * Takes a password as well as keys. Default: keys alone.
     *
     * @param value the right one
     */
    public Builder password(String value) {
      password = Objects.requireNonNull(value, "value");
      return this;
    }

    /**
     * What may be reached through it. Default: everything.
     *
     * @param targets each {@code host:port}, either of which may be {@code *}
     */
    public Builder permitOpen(String... targets) {
      permitOpen = List.of(targets);
      return this;
    }

    /**
     * On which of its ports a client may listen. Default: on all, of the loopback address.
     *
     * @param places each {@code port} or {@code host:port}
     */
    public Builder permitListen(String... places) {
      permitListen = List.of(places);
      return this;
    }

    /**
     * Starts the server.
     *
     * @return a running server, to be closed by the caller
     * @throws UncheckedIOException if it does not start
     */
    public TestSshServer start() {
      SshSettings.Builder settings =
          SshSettings.builder()
              .permitOpen(permitOpen.toArray(String[]::new))
              .permitListen(permitListen.toArray(String[]::new));
      List<SshSettings.Authentication> methods = new ArrayList<>();
      methods.add(SshSettings.Authentication.PUBLICKEY);
      if (password != null) {
        methods.add(SshSettings.Authentication.PASSWORD);
        settings.password(password);
      }
      settings.authentication(methods.toArray(SshSettings.Authentication[]::new));
      MinaServer server = MinaServer.start(settings.build());
      try {
        Path directory = Files.createTempDirectory("fulmar-ssh-");
        SshKeyFile key = SshKeyFile.create(directory);
        String privateKey = key.privateText();
        Files.delete(key.file());
        Files.delete(directory);
        server.authorise(key.publicLine());
        return new TestSshServer(server, privateKey);
      } catch (IOException e) {
        server.close();
        throw new UncheckedIOException("Cannot make a key for the SSH server.", e);
      } catch (RuntimeException e) {
        server.close();
        throw e;
      }
    }
  }
}
