"""Terms of the field that an LLM may use without a quote: protocols, attacks, laws, roles. On their own, they say
nothing about a product. The list also contains words that often begin sentences about threats.
"""

from typing import Final

TERMS: Final = """
    A2A AI API APIs ACL AES ASCII ATLAS AWS Azure Bash BCC CI CD CI/CD CLI CORS CPU CRM CSP CSRF CSV CVE CVSS
    CWE DLP DM DNS DoS DDoS DPA EU GCP GDPR GPU GUI HIPAA HMAC HTML HTTP HTTPS IAM IDE IDOR IP IPI IT JSON JWT
    KMS LAN LDAP LLM LLMs Linux MAESTRO MCP MFA MITM mTLS NIST OAuth OIDC OS OWASP PCI PDF PII PIN PR PRs RAG
    RBAC RCE README REST RPC SaaS SAML SBOM SDK SHA SIEM SLA SMS SMTP SOC SPF SQL SQLi SSE SSH SSO SSRF SSL
    STRIDE TCP TLS SIM SMS TOTP TTL UDP UI URL URLs USB UUID UX VM VPC VPN WAF WAN Windows macOS WebSocket XSS XXE
    YAML ZIP Python JavaScript TypeScript Node npm PyPI Docker Kubernetes Git GitHub Markdown Unicode English
    Internet Q1 Q2 Q3 Q4 Q5 Q6 T1 T2 T3 T4 T5 T6 T7 T8 L1 L2 L3 L4 L5 L6 L7 I January February March April May
    June July August September October November December Monday Friday Act Article Malware Ransomware Spyware
    Worms Phishing Attackers Adversaries Insiders Outsiders Strangers Guests Visitors Customers Employees
    Colleagues Partners Competitors Criminals Thieves Victims Whoever Whatever Someone Somebody Everyone
    Content Text Prompts Payloads Instructions Injection Poisoning Exfiltration Theft Fraud Abuse Misuse
    Backups Copies Records Mails Mail Messages Comments Issues Tickets Pages Sites Websites Links Images
    Scripts Code Packages Dependencies Updates Releases Containers Clusters Hosts Machines Processes Sessions
    Keys Cookies Secrets Rights Scopes Roles Writes Reads Deletes Deletion Access Approval Approvals Consent
    Logs Traces Memory Memories Notes Retrieval Search Storage Isolation Encryption Authentication
    Authorization Compliance Law Laws Contracts Regulation Recovery Damage Loss Harm Silence Money Payments
    Refunds Wallets Funds Trades Orders Voice Calls Devices Sensors Robots Doors Screens Desktops Browsers
    Tabs Forms Files Folders Repositories Commits Branches Merges Pipelines Builds Deployments Sample Samples
    Snippets Defaults Logins Recordings Transcripts DevOps DevSecOps SRE gRPC
    PKCE VLAN DMZ CIDR NAT DHCP ARP EDR MDM HSM TPM TEE CDN DOM NFS FTP SFTP IMAP POP ORM ETL BIOS NTP OTP PBX SIP VoIP
    IoT ERP KYC AML OCR ASR TTS STT EXIF XML WSL SELinux AppArmor UID GID ACLs CRL PKI MAC IRM AUP DSAR ROPA KPI RPO RTO
    AV AC AT UI VC VI VA SC SI SA ID IDs HR FAQ GET POST PUT PATCH HEAD HTTP2 TLS1 CSRF Origin Referer Host Bearer
    SELECT INSERT UPDATE DELETE DROP JOIN Why How Grave Graver
"""

TOOLS: Final = """
    NetworkPolicy PodSecurity ServiceAccount RoleBinding ClusterRole ConfigMap Namespace Ingress Pod Pods Istio
    Cilium Calico AppLocker BitLocker FileVault Defender Gatekeeper LUKS Keychain seccomp gVisor Firecracker
    bubblewrap firejail Podman nginx Caddy Envoy Traefik HAProxy WireGuard Tailscale Keycloak Vault Dependabot
    Renovate Sigstore Cosign SLSA Trivy Semgrep Gitleaks Falco auditd syslog Prometheus Grafana OpenTelemetry
    Splunk Wireshark Burp ZAP Terraform Ansible Lambda Presidio KUBECONFIG Kyverno OPA Okta Entra Cloudflare nftables
    iptables ufw systemd tmpfs cgroups chroot netfilter Squid Pi-hole fail2ban CODEOWNERS Snyk
"""
"""Well-known safeguards that advice may name even if no source mentions them. A statement about the product may not."""
