package io.fulmar.internal.postgres;

import io.fulmar.internal.postgres.ConnectFailure.Kind;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import java.util.stream.Collectors;
import javax.net.ssl.HostnameVerifier;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGProperty;
import org.postgresql.ssl.PGjdbcHostnameVerifier;

/** Verifies the name of the host as pgjdbc does, and notes for whom the certificate is. */
public final class WiredHostnameVerifier implements HostnameVerifier {
  private static final int MOST_NAMES = 5;

  private final @Nullable ConnectAttempt attempt;

  /**
   * Called by the driver.
   *
   * @param info properties of the connection
   */
  public WiredHostnameVerifier(Properties info) {
    String arg = info.getProperty(PGProperty.SSL_FACTORY_ARG.getName(), "");
    this.attempt = Wiring.of(arg).attempt(arg);
  }

  @Override
  public boolean verify(String host, SSLSession session) {
    boolean verified = PGjdbcHostnameVerifier.INSTANCE.verify(host, session);
    if (!verified && attempt != null) {
      attempt.refuse(
          Kind.CERTIFICATE_HOST, "its certificate is not for that name, but for " + names(session));
    }
    return verified;
  }

  private static String names(SSLSession session) {
    try {
      X509Certificate certificate = (X509Certificate) session.getPeerCertificates()[0];
      Collection<List<?>> names = certificate.getSubjectAlternativeNames();
      if (names == null) {
        return Shown.of(certificate.getSubjectX500Principal().getName());
      }
      return names.stream()
          .limit(MOST_NAMES)
          .map(name -> Shown.of(String.valueOf(name.get(1))))
          .collect(Collectors.joining(", "));
    } catch (SSLPeerUnverifiedException | CertificateParsingException e) {
      return "nobody";
    }
  }
}
