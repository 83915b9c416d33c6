package io.fulmar.internal.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Addresses at both ends of each block that is not of the public internet, and beside them. */
@DisplayName("J-10: addresses that are not of the public internet are known as such")
class AddressRuleTest {
  @ParameterizedTest
  @CsvSource({
    "0.0.0.0, this host",
    "0.255.255.255, this host",
    "10.0.0.0, private",
    "10.255.255.255, private",
    "100.64.0.0, shared by a carrier",
    "100.127.255.255, shared by a carrier",
    "127.0.0.1, loopback",
    "127.255.255.255, loopback",
    "2130706433, loopback",
    "127.1, loopback",
    "169.254.0.0, link-local",
    "169.254.169.254, link-local",
    "172.16.0.0, private",
    "172.31.255.255, private",
    "192.0.0.8, reserved",
    "192.0.2.1, for documentation",
    "192.168.255.255, private",
    "198.18.0.0, for benchmarks",
    "198.19.255.255, for benchmarks",
    "198.51.100.1, for documentation",
    "203.0.113.1, for documentation",
    "224.0.0.1, multicast",
    "239.255.255.255, multicast",
    "240.0.0.1, reserved",
    "255.255.255.255, reserved",
    "::, this host",
    "::1, loopback",
    "::ffff:127.0.0.1, loopback",
    "::127.0.0.1, loopback",
    "::ffff:0:10.0.0.1, private",
    "64:ff9b::a00:1, private",
    "64:ff9b:1::1, private",
    "100::1, discarded",
    "2001:db8::1, for documentation",
    "2001:0:1:2:3:4:8080:fffe, loopback",
    "2002:a9fe:a9fe::1, link-local",
    "2002:7f00:1::, loopback",
    "3fff::1, for documentation",
    "fc00::1, private",
    "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, private",
    "fe80::1, link-local",
    "febf::1, link-local",
    "fec0::1, private",
    "ff02::1, multicast"
  })
  void addressIsRefused(String literal, String what) throws Exception {
    assertThat(AddressRule.objection(InetAddress.getByName(literal))).as(literal).isEqualTo(what);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700::1111",
        "2a00:1450:4001::1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
        "fbff::1"
      })
  void addressIsTaken(String literal) throws Exception {
    assertThat(AddressRule.objection(InetAddress.getByName(literal))).as(literal).isNull();
  }
}
