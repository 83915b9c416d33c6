package io.fulmar.internal.postgres;

import io.fulmar.Secret;
import io.fulmar.Source;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Arrays;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Makes what encrypts one connection: whom it trusts, and who it says that it is. Made anew for
 * each one, so that files that are renewed while the application runs are read again.
 */
final class TlsContext {
  private TlsContext() {}

  /**
   * The context.
   *
   * @param attempt hears why a server is not trusted
   * @throws TlsFiles.UnusableException if a file is not what it should be
   * @throws SecretText.UnreadableException if the password of a key is not to be had
   */
  static SSLContext of(Source source, ConnectAttempt attempt)
      throws TlsFiles.UnusableException, SecretText.UnreadableException {
    try {
      TrustManager trust =
          source.tls() == Source.Tls.UNVERIFIED
              ? new Unverified()
              : new WatchedTrust(trust(source.tlsRootCertificate()), attempt);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys(source), new TrustManager[] {trust}, null);
      return context;
    } catch (GeneralSecurityException | IOException e) {
      throw new TlsFiles.UnusableException("the JVM's trust store cannot be used");
    }
  }

  private static X509ExtendedTrustManager trust(@Nullable Path root)
      throws GeneralSecurityException, IOException, TlsFiles.UnusableException {
    KeyStore store = null;
    if (root != null) {
      store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      int number = 0;
      for (var certificate : TlsFiles.certificates(root)) {
        store.setCertificateEntry("root-" + number++, certificate);
      }
    }
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    return Arrays.stream(factory.getTrustManagers())
        .filter(X509ExtendedTrustManager.class::isInstance)
        .map(X509ExtendedTrustManager.class::cast)
        .findFirst()
        .orElseThrow(() -> new GeneralSecurityException("no trust manager"));
  }

  private static KeyManager @Nullable [] keys(Source source)
      throws TlsFiles.UnusableException, SecretText.UnreadableException {
    Path key = source.tlsClientKey();
    if (key == null) {
      return null;
    }
    Path certificate = source.tlsClientCertificate();
    Secret secret = source.tlsKeyPassword();
    char[] password = secret == null ? null : SecretText.of("tlsKeyPassword", secret).toCharArray();
    try {
      TlsFiles.Identity identity =
          certificate == null
              ? TlsFiles.identity(key, password)
              : TlsFiles.identity(certificate, key, password);
      return new KeyManager[] {new OneIdentity(identity)};
    } finally {
      if (password != null) {
        Arrays.fill(password, '\0');
      }
    }
  }
}
