package io.fulmar.internal.postgres;

import io.fulmar.internal.postgres.ConnectFailure.Kind;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertPathValidatorException.BasicReason;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/** Trusts whom another trusts, and notes why not. */
final class WatchedTrust extends X509ExtendedTrustManager {
  private final X509ExtendedTrustManager trust;
  private final ConnectAttempt attempt;

  WatchedTrust(X509ExtendedTrustManager trust, ConnectAttempt attempt) {
    this.trust = trust;
    this.attempt = attempt;
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    try {
      trust.checkServerTrusted(chain, type, socket);
    } catch (CertificateException e) {
      throw noted(chain, e);
    }
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    try {
      trust.checkServerTrusted(chain, type, engine);
    } catch (CertificateException e) {
      throw noted(chain, e);
    }
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
    try {
      trust.checkServerTrusted(chain, type);
    } catch (CertificateException e) {
      throw noted(chain, e);
    }
  }

  private CertificateException noted(X509Certificate[] chain, CertificateException refusal) {
    X509Certificate first = chain[0];
    if (isOutOfTime(refusal)) {
      attempt.refuse(
          Kind.CERTIFICATE_EXPIRED,
          "its certificate is valid from %s to %s"
              .formatted(first.getNotBefore().toInstant(), first.getNotAfter().toInstant()));
    } else if (isSignedByItself(first)) {
      attempt.refuse(
          Kind.CERTIFICATE_SELF_SIGNED,
          "its certificate is signed by itself and not trusted (%s)".formatted(name(first)));
    } else {
      X509Certificate last = chain[chain.length - 1];
      attempt.refuse(
          Kind.CERTIFICATE_UNTRUSTED,
          "its certificate is signed by nobody that is trusted (issuer %s)"
              .formatted(Shown.of(last.getIssuerX500Principal().getName())));
    }
    return refusal;
  }

  private static boolean isOutOfTime(Throwable refusal) {
    for (Throwable at = refusal; at != null; at = at.getCause()) {
      if (at instanceof CertificateExpiredException
          || at instanceof CertificateNotYetValidException) {
        return true;
      }
      if (at instanceof CertPathValidatorException path
          && (path.getReason() == BasicReason.EXPIRED
              || path.getReason() == BasicReason.NOT_YET_VALID)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isSignedByItself(X509Certificate certificate) {
    try {
      certificate.verify(certificate.getPublicKey());
      return true;
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  private static String name(X509Certificate certificate) {
    return Shown.of(certificate.getSubjectX500Principal().getName());
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {
    throw new UnsupportedOperationException("this side is the client");
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {
    throw new UnsupportedOperationException("this side is the client");
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type) {
    throw new UnsupportedOperationException("this side is the client");
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return trust.getAcceptedIssuers();
  }
}
