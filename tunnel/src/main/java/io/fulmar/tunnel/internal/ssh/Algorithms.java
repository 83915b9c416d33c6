package io.fulmar.tunnel.internal.ssh;

import com.hierynomus.sshj.key.KeyAlgorithm;
import java.util.ArrayList;
import java.util.List;
import net.schmizz.keepalive.KeepAliveProvider;
import net.schmizz.sshj.Config;
import net.schmizz.sshj.DefaultConfig;
import net.schmizz.sshj.common.Factory;
import net.schmizz.sshj.common.LoggerFactory;
import net.schmizz.sshj.transport.compression.NoneCompression;
import org.slf4j.Logger;
import org.slf4j.helpers.NOPLogger;

/** What the two ends of an SSH connection may agree on. */
public enum Algorithms {
  /** What has no known weakness; no SHA-1, no CBC, no DSA, no group below 2048 bits. */
  MODERN,
  /** Those first, then all that sshj knows, for servers that cannot be renewed. */
  LEGACY;

  private static final List<String> KEY_EXCHANGES =
      List.of(
          "curve25519-sha256",
          "curve25519-sha256@libssh.org",
          "ecdh-sha2-nistp256",
          "ecdh-sha2-nistp384",
          "ecdh-sha2-nistp521",
          "diffie-hellman-group16-sha512",
          "diffie-hellman-group18-sha512",
          "diffie-hellman-group-exchange-sha256",
          "diffie-hellman-group14-sha256",
          // No key exchange: asks the server for the signatures that it knows (RFC 8308).
          "ext-info-c");

  private static final List<String> KEYS =
      List.of(
          "ssh-ed25519",
          "ecdsa-sha2-nistp256",
          "ecdsa-sha2-nistp384",
          "ecdsa-sha2-nistp521",
          "rsa-sha2-512",
          "rsa-sha2-256");

  /** sshj logs packets, passwords among them; what matters of it is told by errors. */
  private static final LoggerFactory SILENT =
      new LoggerFactory() {
        @Override
        public Logger getLogger(String name) {
          return NOPLogger.NOP_LOGGER;
        }

        @Override
        public Logger getLogger(Class<?> type) {
          return NOPLogger.NOP_LOGGER;
        }
      };

  Config config() {
    DefaultConfig config = new Silent();
    config.setCipherFactories(own(JdkCiphers.all(), config.getCipherFactories()));
    config.setMACFactories(own(JdkMacs.all(), config.getMACFactories()));
    config.setKeyExchangeFactories(chosen(config.getKeyExchangeFactories(), KEY_EXCHANGES));
    List<Factory.Named<KeyAlgorithm>> keys = chosen(config.getKeyAlgorithms(), KEYS);
    config.setKeyAlgorithms(keys);
    config.setCompressionFactories(List.of(new NoneCompression.Factory()));
    config.setKeepAliveProvider(KeepAliveProvider.KEEP_ALIVE);
    return config;
  }

  /** Ours; then those of sshj that have other names, if that is allowed. */
  private <T> List<Factory.Named<T>> own(List<Factory.Named<T>> ours, List<Factory.Named<T>> all) {
    List<Factory.Named<T>> chosen = new ArrayList<>(ours);
    if (this == LEGACY) {
      List<String> names = ours.stream().map(Factory.Named::getName).toList();
      all.stream().filter(each -> !names.contains(each.getName())).forEach(chosen::add);
    }
    return chosen;
  }

  /** Those of the names, in their order; then the rest, if that is allowed. */
  private <T> List<Factory.Named<T>> chosen(List<Factory.Named<T>> all, List<String> names) {
    List<Factory.Named<T>> chosen = new ArrayList<>();
    for (String name : names) {
      all.stream().filter(each -> each.getName().equals(name)).forEach(chosen::add);
    }
    if (this == LEGACY) {
      all.stream().filter(each -> !names.contains(each.getName())).forEach(chosen::add);
    }
    return chosen;
  }

  private static final class Silent extends DefaultConfig {
    @Override
    public void setLoggerFactory(LoggerFactory ignored) {
      super.setLoggerFactory(SILENT);
    }
  }
}
