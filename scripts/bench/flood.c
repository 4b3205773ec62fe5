// First packets of clients that are not there, from 64 addresses of loopback. usage: flood PORT RATE SECONDS FILE
// FILE holds first packets of 1200 bytes of real clients. Most are sent with another destination id, so that they cannot be
// opened; every 16th is sent as it is. Prints {"sent":N,"seconds":N}.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { SOURCES = 64, BYTES = 1200, PACKETS = 256, ID_AT = 6, STEP_NS = 1000000 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  static unsigned char packets[PACKETS][BYTES], packet[BYTES];
  if (argc != 5) return 2;
  double rate = atof(argv[2]), seconds = atof(argv[3]);
  FILE *file = fopen(argv[4], "rb");
  int count = file ? (int)fread(packets, BYTES, PACKETS, file) : 0, sources[SOURCES];
  if (count == 0) return 2;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  for (int i = 0; i < SOURCES; i++) {
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f010001 + i)};
    sources[i] = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(sources[i], (struct sockaddr *)&from, sizeof from)) return 1;
  }

  double begin = now();
  long long sent = 0;
  for (double passed; (passed = now() - begin) < seconds;) {
    for (; sent < passed * rate; sent++) {
      memcpy(packet, packets[sent % count], BYTES);
      if (sent % 16) for (int i = 0; i < 8; i++) packet[ID_AT + i] = rand();
      sendto(sources[sent % SOURCES], packet, BYTES, 0, (struct sockaddr *)&to, sizeof to);
    }
    nanosleep(&(struct timespec){.tv_nsec = STEP_NS}, NULL);
  }
  printf("{\"sent\":%lld,\"seconds\":%.2f}\n", sent, now() - begin);
  return 0;
}
