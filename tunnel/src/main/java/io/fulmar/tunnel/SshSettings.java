package io.fulmar.tunnel;

import io.fulmar.Secret;
import io.fulmar.tunnel.internal.keys.UserKeySource;
import io.fulmar.tunnel.internal.ssh.Algorithms;
import io.fulmar.tunnel.internal.ssh.Hop;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What any SSH server needs to be logged in to: place, user, keys, and which host keys are the
 * right ones. The builders of tunnels and hops have these settings. Not threadsafe.
 *
 * @param <B> the builder that has them
 */
public abstract sealed class SshSettings<B extends SshSettings<B>>
    permits TunnelSettings, SshHop.Builder {
  private static final int MOST_KEYS = 5;

  private final String host;
  private int port = 22;
  private String user = "";
  private final List<UserKeySource> keys = new ArrayList<>();
  private @Nullable Secret password;
  private HostKeys hostKeys = HostKeys.knownHosts();
  private Algorithms algorithms = Algorithms.MODERN;

  SshSettings(String host) {
    Objects.requireNonNull(host, "host");
    String bare =
        host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
    if (bare.isBlank() || bare.length() > 253 || !bare.equals(bare.strip())) {
      throw new IllegalArgumentException(
          "host must be a name or address of 1 to 253 characters without blanks around it");
    }
    this.host = bare;
  }

  abstract B self();

  /** Port of the SSH server, 1 to 65535. Default 22. */
  public B port(int value) {
    port = inRange("port", value, 1, 65_535);
    return self();
  }

  /** User of the SSH server, 1 to 255 characters. Required. */
  public B user(String value) {
    Objects.requireNonNull(value, "user");
    if (value.isBlank() || value.length() > 255) {
      throw new IllegalArgumentException("user must have 1 to 255 characters");
    }
    user = value;
    return self();
  }

  /**
   * A private key to log in with. Called several times, they are tried in that order, at most 5:
   * servers end a connection after some (MaxAuthTries, 6 by default). Default: none.
   */
  public B key(UserKey value) {
    Objects.requireNonNull(value, "key");
    if (keys.size() == MOST_KEYS) {
      throw new IllegalStateException("key(...) was called " + MOST_KEYS + " times already");
    }
    keys.add(value.source());
    return self();
  }

  /**
   * A password to log in with, tried after the keys; a supplier is asked at each new connection.
   * Answers what a server asks by {@code keyboard-interactive} too. Default: none.
   */
  public B password(Secret value) {
    password = Objects.requireNonNull(value, "password");
    return self();
  }

  /**
   * Which host keys are the right ones. Default {@link HostKeys#knownHosts()}: what {@code
   * ~/.ssh/known_hosts} says.
   */
  public B hostKeys(HostKeys value) {
    hostKeys = Objects.requireNonNull(value, "hostKeys");
    return self();
  }

  /**
   * Allows whatever sshj knows, after what is modern: SHA-1, CBC, 3DES, small groups, DSA. For
   * servers that cannot be renewed; who listens may be able to read and change what is sent.
   * Default: modern algorithms only.
   */
  public B legacyAlgorithms() {
    algorithms = Algorithms.LEGACY;
    return self();
  }

  final Hop hop() {
    if (user.isEmpty()) {
      throw new IllegalStateException("user(...) is missing for the SSH server " + host);
    }
    if (keys.isEmpty() && password == null) {
      throw new IllegalStateException(
          "key(...) or password(...) is missing for the SSH server " + host);
    }
    return new Hop(host, port, user, keys, password, hostKeys.policy(), algorithms);
  }

  static int inRange(String name, int value, int least, int most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          "%s must be %s to %s, is %s".formatted(name, least, most, value));
    }
    return value;
  }

  static Duration inRange(String name, Duration value, Duration least, Duration most) {
    Objects.requireNonNull(value, name);
    if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
      throw new IllegalArgumentException(
          "%s must be %s to %s, is %s".formatted(name, least, most, value));
    }
    return value;
  }
}
