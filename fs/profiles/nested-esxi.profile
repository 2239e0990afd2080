# Outer VM of a double passthrough: the nested ESXi host that receives the GPU and passes it on.
profile.summary = "nested ESXi VM that owns the GPU and passes it on"
profile.param.mmio = "16"          # GiB of 64-bit MMIO; twice the next power of two of all framebuffers
profile.param.cpu = "auto"         # auto, intel, amd
profile.param.device = ""          # PCI address on the host

vvtd.enable = "TRUE"
vhv.enable = "TRUE"
vhv.allowPassthru = "TRUE"
pciPassthru.use64bitMMIO = "TRUE"
pciPassthru.64bitMMIOSizeGB = "${mmio}"
sched.mem.min = "${memSize}"
sched.mem.pin = "TRUE"

[when cpu = amd]
amd.iommu.supportsPcip = "TRUE"

[require]                          # refused when not met
memSize

[advise]                           # only reported
firmware = "efi"
virtualHW.version >= "14"
memSize >= "8192"
numvcpus >= "2"
