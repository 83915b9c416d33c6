package io.fulmar.verify.architecture;

import io.fulmar.internal.sql.Identifier;
import java.nio.charset.Charset;
import java.security.cert.X509Certificate;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.ZoneId;
import java.util.Calendar;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.TimeZone;
import java.util.concurrent.ForkJoinPool;
import javax.net.ssl.HostnameVerifier;
import javax.net.ssl.SSLSession;
import javax.net.ssl.X509TrustManager;

/** Does what the published code must not do; never run, only looked at. */
@SuppressWarnings("all")
public final class BreaksRules implements HostnameVerifier, X509TrustManager {
  public Identifier internal;

  void endsTheJvm() {
    System.exit(1);
    Runtime.getRuntime().halt(1);
  }

  Object dependsOnDefaults(byte[] bytes) {
    return List.of(
        Locale.getDefault(),
        TimeZone.getDefault(),
        ZoneId.systemDefault(),
        Charset.defaultCharset(),
        "a".getBytes(),
        "a".toLowerCase(),
        "a".toUpperCase(),
        String.format("%d", 1),
        new String(bytes),
        new Date(),
        Calendar.getInstance());
  }

  String readsAnErrorCode(Connection connection, String table) throws InterruptedException {
    try {
      connection.prepareStatement("drop table " + table).execute();
    } catch (SQLException e) {
      return e.getSQLState();
    }
    Thread.sleep(1);
    ForkJoinPool.commonPool();
    return List.of(1).parallelStream().toString();
  }

  @Override
  public boolean verify(String host, SSLSession session) {
    return true;
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type) {}

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type) {}

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }
}
